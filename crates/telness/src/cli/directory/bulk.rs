//! `put --file`: a thing a line. All lines of a part are put in one change or none of them; of a file that can be read
//! twice every line is read before the first is put.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;

use serde::Serialize;
use serde_json::json;
use telness_store::control::{
    BULK_ITEMS_MAX, Control, ControlError, Edit, Expect, FAULTS_MAX, Fault, Refusal, Version,
};

use super::super::in_store::failed;
use super::super::lines::next_line;
use super::super::progress::Bar;
use super::super::{Exit, Failure, Output};
use super::Thing;

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// What some programs write at the beginning of a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What is wrong with a line.
#[derive(Debug, Serialize)]
struct LineFault {
    line: u64,
    /// Where in it, such as `devices[0].trunk`.
    field: Option<String>,
    message: String,
}

/// The faults of a file: the first of them, and how many there are.
#[derive(Debug, Default, Serialize)]
struct Faults {
    faults: Vec<LineFault>,
    count: usize,
}

impl Faults {
    fn tell(&mut self, line: u64, field: Option<String>, message: String) {
        self.count = self.count.saturating_add(1);
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(LineFault { line, field, message });
        }
    }
}

/// How far it came.
#[derive(Debug, Default, Serialize)]
struct Done {
    put: u64,
    parts: u64,
    /// The last line that was put.
    through_line: u64,
    version: Option<Version>,
}

/// Lines that are read one after the other.
struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, input), line: Vec::new(), number: 0, bytes: 0 }
    }

    /// The things of the next lines, as many as one change takes, each with its line. What is wrong is told.
    fn part<T: Thing>(&mut self, faults: &mut Faults) -> io::Result<Vec<(u64, T)>> {
        let mut part = Vec::new();
        while part.len() < BULK_ITEMS_MAX {
            let Some(fits) = next_line(&mut self.input, &mut self.line, LINE_BYTES_MAX)? else { break };
            self.number = self.number.saturating_add(1);
            self.bytes = self.bytes.saturating_add(u64::try_from(self.line.len()).unwrap_or(0)).saturating_add(1);
            let text = if self.number == 1 { without_mark(&self.line) } else { &self.line };
            if !fits {
                faults.tell(self.number, None, format!("it is longer than {LINE_BYTES_MAX} bytes"));
            } else if !text.trim_ascii().is_empty() {
                match read_one(text) {
                    Ok(value) => part.push((self.number, value)),
                    Err((field, message)) => faults.tell(self.number, field, message),
                }
            }
        }
        Ok(part)
    }
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Reads a line; what is wrong is told with its field.
fn read_one<T: Thing>(text: &[u8]) -> Result<T, (Option<String>, String)> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = Some(error.path().to_string()).filter(|field| field != ".");
        let message = error.inner().to_string();
        // It speaks of its own text, of which every line is the first.
        let message = message.rsplit_once(" at line 1 column ").map_or(message.as_str(), |(message, _)| message);
        (field, message.to_owned())
    })?;
    reader.end().map_err(|_| (None, "there is more than one object on the line".to_owned()))?;
    Ok(read)
}

/// Puts all of a file, or of standard input.
pub(super) async fn put<T: Thing>(
    control: &Control,
    path: &Path,
    edit: &Edit,
    expect: Expect,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let name = path.display();
    let unreadable = |why: io::Error| Failure::cannot(format_args!("{name} cannot be read: {why}"));
    if path == Path::new("-") {
        return put_lines::<T, _>(control, Lines::new(io::stdin()), None, (edit, expect), out).await;
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if about.is_file() {
        let faults = look_through::<T>(Lines::new(&mut file)).map_err(unreadable)?;
        if faults.count > 0 {
            return refused(&Done::default(), &faults, out);
        }
        file.rewind().map_err(unreadable)?;
    }
    let bytes = about.is_file().then_some(about.len());
    put_lines::<T, _>(control, Lines::new(file), bytes, (edit, expect), out).await
}

fn look_through<T: Thing>(mut lines: Lines<&mut File>) -> io::Result<Faults> {
    let mut faults = Faults::default();
    while !lines.part::<T>(&mut faults)?.is_empty() {}
    Ok(faults)
}

async fn put_lines<T: Thing, R: Read>(
    control: &Control,
    mut lines: Lines<R>,
    bytes: Option<u64>,
    (edit, expect): (&Edit, Expect),
    out: &mut Output,
) -> Result<Exit, Failure> {
    let (mut done, bar) = (Done::default(), Bar::new("lines", bytes, out.is_json()));
    loop {
        let mut faults = Faults::default();
        let unreadable = |why| Failure::cannot(format_args!("it cannot be read: {why}; {}", kept(&done)));
        let part = lines.part::<T>(&mut faults).map_err(unreadable)?;
        if faults.count > 0 {
            drop(bar);
            return refused(&done, &faults, out);
        }
        if part.is_empty() {
            break;
        }
        let (numbers, items): (Vec<u64>, Vec<(T, Expect)>) =
            part.into_iter().map(|(line, value)| (line, (value, expect))).unzip();
        match T::put_all(control, edit, items).await {
            Ok(version) => done.version = Some(version),
            Err(ControlError::Faults { faults, count }) => {
                drop(bar);
                let faults = faults.iter().map(|fault| of_line(fault, &numbers)).collect();
                return refused(&done, &Faults { faults, count }, out);
            }
            Err(error) if done.parts == 0 => return Err(failed(&error)),
            // A store that goes away may have kept the part in hand or not; to put it again does no harm.
            Err(error) => {
                let upto = done.through_line;
                let why =
                    format!("the store cannot do it: {error}; the lines up to {upto} are put: put the rest again");
                return Err(Failure::cannot(why));
            }
        }
        done.put = done.put.saturating_add(u64::try_from(numbers.len()).unwrap_or(0));
        done.parts = done.parts.saturating_add(1);
        done.through_line = lines.number;
        bar.draw(done.put, lines.bytes);
    }
    drop(bar);
    if out.is_json() {
        out.json(&done)?;
    } else {
        let version = done.version.map_or(String::new(), |version| format!("; the last change is {version}"));
        let (things, changes) = (counted(done.put, T::NAME), counted(done.parts, "change"));
        out.line(format_args!("{things} put in {changes}{version}"))?;
    }
    Ok(Exit::Done)
}

/// What the store refused, by its line.
fn of_line(fault: &Fault, numbers: &[u64]) -> LineFault {
    let line = |place: usize| numbers.get(place).copied().unwrap_or(0);
    let message = match &fault.refusal {
        Refusal::Twice { first } => format!("{} is there twice; the first is on line {}", fault.key, line(*first)),
        other => format!("{}: {other}", fault.key),
    };
    LineFault { line: line(fault.place), field: None, message }
}

/// Tells what is wrong, and what was put before.
fn refused(done: &Done, faults: &Faults, out: &mut Output) -> Result<Exit, Failure> {
    if out.is_json() {
        out.json(&json!({ "done": done, "faults": faults.faults, "count": faults.count }))?;
        return Ok(Exit::No);
    }
    for LineFault { line, field, message } in &faults.faults {
        let field = field.as_ref().map_or(String::new(), |field| format!(", {field}"));
        out.line(format_args!("line {line}{field}: {message}"))?;
    }
    let more = faults.count.saturating_sub(faults.faults.len());
    if more > 0 {
        out.line(format_args!("and {more} more"))?;
    }
    out.line(kept(done))?;
    Ok(Exit::No)
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What stays of a file that was put in part.
fn kept(done: &Done) -> String {
    match done.parts {
        0 => "nothing was changed".to_owned(),
        parts => format!(
            "what is on the lines up to {} is put, in {}; nothing after them is: mend the file and put the rest",
            done.through_line,
            counted(parts, "change")
        ),
    }
}
