//! Threads that each own a connection and do what they are asked, so that nothing asynchronous ever waits for a disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

type Job = Box<dyn FnOnce(&mut Link) + Send>;
/// How a connection is made: when it is first needed, and again after an error that may be of the connection.
pub(super) type Opener = fn(&std::path::Path) -> Result<Connection, StoreError>;

/// A file's connection, made when it is needed.
pub(super) struct Link {
    file: PathBuf,
    open: Opener,
    connection: Option<Connection>,
}

impl Link {
    fn with<T>(&mut self, ask: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => (self.open)(&self.file)?,
        };
        let answer = ask(&mut connection);
        // What failed may have left the connection of no use: the next one who asks gets a fresh one (N4).
        if answer.is_ok() {
            self.connection = Some(connection);
        }
        answer
    }
}

/// Some threads with one bounded queue before them. They end when it is dropped, after what was asked before.
#[derive(Debug)]
pub(super) struct Threads {
    queue: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(
        name: &str,
        file: &std::path::Path,
        open: Opener,
        (count, queue_jobs_max): (usize, usize),
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel::<Job>(queue_jobs_max);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = Vec::with_capacity(count);
        for _ in 0..count {
            let jobs = Arc::clone(&jobs);
            let mut link = Link { file: file.to_owned(), open, connection: None };
            let run = move || {
                loop {
                    // Whoever holds the lock waits for the next job; the others wait for the lock.
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                    let Some(job) = job else { break };
                    job(&mut link);
                }
            };
            let started = thread::Builder::new().name(name.to_owned()).spawn(run);
            threads.push(started.map_err(|error| StoreError::Unavailable(format!("no thread for it: {error}")))?);
        }
        Ok(Self { queue: Some(queue), threads })
    }

    /// Has a thread do something with its connection. It waits while the queue is full.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.queue(ask).await?.await.map_err(|_| ended())?
    }

    /// Puts something in the queue that a thread is to do with its connection; gives where its answer will come.
    pub(super) async fn queue<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |link| {
            // Nobody waits any more: the work would only hold up the others.
            if !reply.is_closed() {
                let _ = reply.send(link.with(ask));
            }
        });
        self.queue.as_ref().ok_or_else(ended)?.send(job).await.map_err(|_| ended())?;
        Ok(answer)
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("its thread has ended; restart the service".to_owned())
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that died has said so on its way.
            let _ = thread.join();
        }
    }
}
