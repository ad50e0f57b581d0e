//! YAML events to a tree. Everything that makes one value mean another is refused: anchors, tags, merge keys.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{
    Key, Node, PLAN_DEPTH_MAX, PLAN_VALUES_MAX, Style, Value, empty_document, fault, narrow, refuse_duplicates,
    too_deep, too_many_values,
};
use crate::plan::fault::{Fault, FaultCode, Mark};

/// Reads one YAML document.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            let at = error.marker();
            let mark = Mark { line: narrow(at.line()), column: narrow(at.col().saturating_add(1)), width: 1 };
            let help = "check the indentation, the colons and the quotes here and on the line before";
            fault(FaultCode::Syntax, mark, format!("this is not YAML: {}", error.info()), help)
        })?;
        builder.take(event, mark_of(span))?;
    }
    builder.root.ok_or_else(empty_document)
}

fn mark_of(span: Span) -> Mark {
    // A value over several lines is underlined on its first one as far as the text goes.
    let width = span.end.index().saturating_sub(span.start.index()).max(1);
    Mark { line: narrow(span.start.line()), column: narrow(span.start.col().saturating_add(1)), width: narrow(width) }
}

/// A list or mapping that is not closed yet.
enum Open {
    List(Mark, Vec<Node>),
    /// The key waits for its value.
    Map(Mark, Vec<(Key, Node)>, Option<Key>),
}

/// Builds the tree without recursion, so that nesting costs no stack.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    values: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, mark: Mark) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(_) => self.begin_document(mark),
            Event::Alias(_) => Err(anchor(mark)),
            Event::Scalar(text, style, anchored, tag) => {
                refuse(anchored, tag.is_some(), mark)?;
                self.scalar(text.into_owned(), style, mark)
            }
            Event::SequenceStart(anchored, tag) => {
                refuse(anchored, tag.is_some(), mark)?;
                self.push(Open::List(mark, Vec::new()), mark)
            }
            Event::MappingStart(anchored, tag) => {
                refuse(anchored, tag.is_some(), mark)?;
                self.push(Open::Map(mark, Vec::new(), None), mark)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin_document(&mut self, mark: Mark) -> Result<(), Fault> {
        self.documents = self.documents.saturating_add(1);
        if self.documents > 1 {
            let message = "a second document begins here".to_owned();
            let help = "a plan is one document: keep one in the file, and take `---` out between its parts";
            return Err(fault(FaultCode::SeveralDocuments, mark, message, help));
        }
        Ok(())
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, mark: Mark) -> Result<(), Fault> {
        let bare = style == ScalarStyle::Plain;
        if let Some(Open::Map(_, _, waiting @ None)) = self.open.last_mut() {
            if bare && text == "<<" {
                let message = "there is a merge key `<<`, which would bring in fields from elsewhere".to_owned();
                return Err(fault(FaultCode::MergeKey, mark, message, "write the fields out"));
            }
            *waiting = Some(Key { text, mark });
            return Ok(());
        }
        let nothing = bare && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        let style = if bare { Style::Bare } else { Style::Text };
        let value = if nothing { Value::Nothing } else { Value::Scalar(text, style) };
        self.add(Node { mark, value })
    }

    fn push(&mut self, open: Open, mark: Mark) -> Result<(), Fault> {
        if let Some(Open::Map(_, _, None)) = self.open.last() {
            let message = "a list or mapping stands where a field's name is expected".to_owned();
            return Err(fault(FaultCode::KeyNotText, mark, message, "give the field a name, then a colon"));
        }
        if self.open.len() >= PLAN_DEPTH_MAX {
            return Err(too_deep(mark));
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        match self.open.pop() {
            Some(Open::List(mark, items)) => self.add(Node { mark: first_char(mark), value: Value::List(items) }),
            Some(Open::Map(mark, fields, _)) => {
                refuse_duplicates(&fields)?;
                self.add(Node { mark: first_char(mark), value: Value::Map(fields) })
            }
            None => Ok(()),
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Fault> {
        self.values = self.values.saturating_add(1);
        if self.values > PLAN_VALUES_MAX {
            return Err(too_many_values(node.mark));
        }
        match self.open.last_mut() {
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, fields, waiting)) => {
                if let Some(key) = waiting.take() {
                    fields.push((key, node));
                }
            }
            // A file of comments alone still has an event for the nothing in it.
            None => self.root = (node.value != Value::Nothing).then_some(node),
        }
        Ok(())
    }
}

fn first_char(mark: Mark) -> Mark {
    Mark { width: 1, ..mark }
}

fn refuse(anchored: usize, tagged: bool, mark: Mark) -> Result<(), Fault> {
    if anchored != 0 {
        return Err(anchor(mark));
    }
    if tagged {
        let message = "there is a YAML tag (`!…`), which plans do not have".to_owned();
        return Err(fault(FaultCode::Tag, mark, message, "take the tag out; each field knows its type"));
    }
    Ok(())
}

fn anchor(mark: Mark) -> Fault {
    let message = "there is a YAML anchor or alias (`&…`, `*…`), which plans do not have".to_owned();
    let help = "write the value out; if it is text that begins with & or *, put it in quotes";
    fault(FaultCode::Anchor, mark, message, help)
}
