//! Log lines on their way out: taken without waiting, written by a thread of their own, dropped when nobody reads them.
//!
//! Standard error is often a pipe, and whoever should read it may hang. A call never waits for that, and the threads of
//! the high workflow have a queue of their own, so that a flood of lines from the low one neither fills nor locks it (E12).

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// The most that waits to be written of either workflow, in bytes: some two thousand lines.
const WAITING_BYTES_MAX: usize = 256 << 10;

/// How long the end of the process waits for the last lines to be written.
const LAST_LINES_MAX: Duration = Duration::from_secs(1);

thread_local! {
    /// Whether the thread is one of the high workflow's.
    static OF_HIGH: Cell<bool> = const { Cell::new(false) };
}

/// Says that the calling thread is the high workflow's: its log lines wait in a queue of their own.
pub fn log_as_high_workflow() {
    OF_HIGH.set(true);
}

/// The lines that wait to be written. Whole lines alone, so what is dropped leaves no half of one.
#[derive(Debug)]
pub(super) struct Lines {
    of_high: Mutex<Vec<u8>>,
    of_others: Mutex<Vec<u8>>,
    writer: OnceLock<Thread>,
    closed: AtomicBool,
    dropped: Counter,
}

impl Lines {
    fn new(dropped: Counter) -> Self {
        Self {
            of_high: Mutex::default(),
            of_others: Mutex::default(),
            writer: OnceLock::new(),
            closed: AtomicBool::new(false),
            dropped,
        }
    }

    /// Takes a line, or counts it as dropped.
    fn offer(&self, line: &[u8]) {
        let mut waiting = lock(if OF_HIGH.get() { &self.of_high } else { &self.of_others });
        if waiting.len().saturating_add(line.len()) > WAITING_BYTES_MAX {
            drop(waiting);
            self.dropped.inc();
            return;
        }
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(line);
        drop(waiting);
        // To wake a thread costs more than to take a line, so that is done once a batch.
        if is_first {
            self.wake();
        }
    }

    fn wake(&self) {
        // A writer that has not begun yet looks before it first sleeps.
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Writes until it is closed and nothing waits.
    fn write_to(&self, mut out: impl Write) {
        // There is one writer, so nobody set it before.
        let _ = self.writer.set(std::thread::current());
        let mut batch = Vec::new();
        let mut told = self.dropped.get();
        loop {
            let closed = self.closed.load(Ordering::SeqCst);
            for queue in [&self.of_high, &self.of_others] {
                batch.append(&mut lock(queue));
            }
            if batch.is_empty() {
                if closed {
                    return;
                }
                std::thread::park();
                continue;
            }
            let written = out.write_all(&batch).and_then(|()| out.flush()).is_ok();
            if !written {
                self.dropped.inc_by(lines_in(&batch));
            }
            batch.clear();
            let dropped = self.dropped.get();
            // Where nothing can be written this line cannot either, and would be told of by another one for ever.
            if written && dropped > told {
                let lines = dropped.saturating_sub(told);
                tracing::warn!(lines, "log lines were dropped: whoever reads the log is slower than it is written");
                told = dropped;
            }
        }
    }
}

/// A thread that died in here left whole lines or none.
fn lock(queue: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lines_in(batch: &[u8]) -> u64 {
    u64::try_from(batch.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}

/// What a log line is written into. The formatter hands over each whole line in one write.
#[derive(Debug)]
pub(super) struct Line(Arc<Lines>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.offer(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes log lines. Dropped, it writes the last ones, and waits a second for that at most.
#[derive(Debug)]
pub struct Logs {
    lines: Arc<Lines>,
    ended: Receiver<()>,
}

impl Logs {
    /// Starts the thread, which counts what it has to drop.
    pub(super) fn start(out: impl Write + Send + 'static, dropped: Counter) -> io::Result<Self> {
        let lines = Arc::new(Lines::new(dropped));
        let of_thread = Arc::clone(&lines);
        let (ends, ended): (SyncSender<()>, _) = sync_channel(0);
        crate::supervise::thread("log-writer", move || {
            // Dropped at the end of the thread, however it ends, which is what tells of it.
            let _ends = ends;
            of_thread.write_to(out);
        })?;
        Ok(Self { lines, ended })
    }

    /// What makes a place for each line.
    pub(super) fn lines(&self) -> impl Fn() -> Line + Send + Sync + 'static {
        let lines = Arc::clone(&self.lines);
        move || Line(Arc::clone(&lines))
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.lines.closed.store(true, Ordering::SeqCst);
        self.lines.wake();
        // Whoever reads the log may hang, and a stop does not wait for that either.
        let _ = self.ended.recv_timeout(LAST_LINES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that takes nothing until the other end is dropped, as a pipe that nobody reads.
    struct Hanging(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Hanging {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn e12_a_log_that_nobody_reads_holds_nobody_up_and_what_is_dropped_is_counted() {
        let (reads, hangs) = sync_channel(0);
        let (written, dropped) = (Arc::new(Mutex::new(Vec::new())), Counter::default());
        let logs = Logs::start(Hanging(hangs, Arc::clone(&written)), dropped.clone()).unwrap();
        let line = logs.lines();
        // Three times as many as there is room for, beside the batch that the writer has in hand.
        let each = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let offered = 3 * WAITING_BYTES_MAX / each.len();
        (0..offered).for_each(|_| line().write_all(&each).unwrap());
        let kept = offered - usize::try_from(dropped.get()).unwrap();
        assert!(kept < offered && kept * each.len() <= 2 * WAITING_BYTES_MAX, "{kept} of {offered}");
        drop(reads);
        drop(logs);
        assert_eq!(written.lock().unwrap().len(), kept * each.len(), "what was taken is written at the end");
        assert!(written.lock().unwrap().chunks(each.len()).all(|line| line == each), "in whole lines");
    }

    #[test]
    fn e12_a_flood_of_the_low_workflow_takes_no_line_of_the_high_one() {
        let (reads, hangs) = sync_channel(0);
        let (written, dropped) = (Arc::new(Mutex::new(Vec::new())), Counter::default());
        let logs = Logs::start(Hanging(hangs, Arc::clone(&written)), dropped.clone()).unwrap();
        let line = logs.lines();
        while dropped.get() < 100 {
            line().write_all(&[b'x'; 1024]).unwrap();
        }
        let of_high = logs.lines();
        let high = std::thread::spawn(move || {
            log_as_high_workflow();
            of_high().write_all(b"of the high workflow\n").unwrap();
        });
        high.join().unwrap();
        assert_eq!(dropped.get(), 100);
        drop((reads, logs));
        assert!(String::from_utf8_lossy(&written.lock().unwrap()).contains("of the high workflow\n"));
    }

    #[test]
    fn a_log_that_hangs_holds_up_no_stop() {
        let (_never_reads, hangs) = sync_channel(0);
        let logs = Logs::start(Hanging(hangs, Arc::default()), Counter::default()).unwrap();
        logs.lines()().write_all(b"a line\n").unwrap();
        drop(logs);
    }

    /// An output whose reader has gone.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        let dropped = Counter::default();
        let logs = Logs::start(Closed, dropped.clone()).unwrap();
        logs.lines()().write_all(b"one\n").unwrap();
        drop(logs);
        assert_eq!(dropped.get(), 1);
    }

    #[test]
    fn s4_a_log_whose_reader_has_gone_makes_no_lines_of_its_own_for_ever() {
        let lines = Arc::new(Lines::new(Counter::default()));
        lines.offer(b"one\n");
        lines.closed.store(true, Ordering::SeqCst);
        let (ends, ended) = sync_channel(1);
        let of_thread = Arc::clone(&lines);
        std::thread::spawn(move || {
            let place = Arc::clone(&of_thread);
            let logs = tracing_subscriber::fmt().with_writer(move || Line(Arc::clone(&place))).finish();
            tracing::subscriber::with_default(logs, || of_thread.write_to(Closed));
            ends.send(()).unwrap();
        });
        ended.recv_timeout(Duration::from_secs(20)).expect("it writes on and on");
        assert_eq!(lines.dropped.get(), 1);
    }
}
