//! JSON to a tree. The structure is read here, for the places of values; strings and numbers by `serde_json`.

use super::{
    Key, Node, PLAN_DEPTH_MAX, PLAN_VALUES_MAX, Style, Value, fault, narrow, refuse_duplicates, too_deep,
    too_many_values,
};
use crate::plan::fault::{Fault, FaultCode, Mark};

/// Reads one JSON document.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader { text, at: 0, line: 1, column: 1, depth: 0, values: 0 };
    let root = reader.value()?;
    reader.blanks();
    if reader.peek().is_some() {
        let message = "there is more after the end of the JSON document".to_owned();
        let help = "a plan is one document; if this is YAML, let it begin with a field's name and not with `{`";
        return Err(fault(FaultCode::SeveralDocuments, reader.mark(), message, help));
    }
    Ok(root)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
    depth: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Node, Fault> {
        self.blanks();
        let mark = self.mark();
        self.values = self.values.saturating_add(1);
        if self.values > PLAN_VALUES_MAX {
            return Err(too_many_values(mark));
        }
        match self.peek() {
            Some('{') => self.nested(mark, Self::map),
            Some('[') => self.nested(mark, Self::list),
            Some('"') => {
                let (text, mark) = self.string()?;
                Ok(Node { mark, value: Value::Scalar(text, Style::Text) })
            }
            _ => self.word(),
        }
    }

    fn nested(&mut self, mark: Mark, read: fn(&mut Self) -> Result<Value, Fault>) -> Result<Node, Fault> {
        if self.depth >= PLAN_DEPTH_MAX {
            return Err(too_deep(mark));
        }
        self.depth = self.depth.saturating_add(1);
        self.step();
        let value = read(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(Node { mark, value })
    }

    fn map(&mut self) -> Result<Value, Fault> {
        let mut fields = Vec::new();
        if !self.closes('}') {
            loop {
                self.blanks();
                if self.peek() != Some('"') {
                    return Err(self.syntax("a field's name in quotes is expected here"));
                }
                let (text, mark) = self.string()?;
                self.blanks();
                if !self.eat(':') {
                    return Err(self.syntax("a colon is expected after the field's name"));
                }
                let value = self.value()?;
                fields.push((Key { text, mark }, value));
                if self.ends('}')? {
                    break;
                }
            }
        }
        refuse_duplicates(&fields)?;
        Ok(Value::Map(fields))
    }

    fn list(&mut self) -> Result<Value, Fault> {
        let mut items = Vec::new();
        if !self.closes(']') {
            loop {
                items.push(self.value()?);
                if self.ends(']')? {
                    break;
                }
            }
        }
        Ok(Value::List(items))
    }

    /// Whether the list or mapping is empty.
    fn closes(&mut self, bracket: char) -> bool {
        self.blanks();
        self.eat(bracket)
    }

    /// Whether the list or mapping ends here, or goes on after a comma.
    fn ends(&mut self, bracket: char) -> Result<bool, Fault> {
        self.blanks();
        if self.eat(',') {
            return Ok(false);
        }
        if self.eat(bracket) { Ok(true) } else { Err(self.syntax(&format!("`,` or `{bracket}` is expected here"))) }
    }

    fn string(&mut self) -> Result<(String, Mark), Fault> {
        let (mark, from) = (self.mark(), self.at);
        self.step();
        loop {
            match self.peek() {
                None | Some('\n') => return Err(self.syntax("the text in quotes is not closed")),
                Some('"') => break,
                Some('\\') => {
                    self.step();
                    self.step();
                }
                Some(_) => self.step(),
            }
        }
        self.step();
        let quoted = self.text.get(from..self.at).unwrap_or("");
        let text = serde_json::from_str(quoted).map_err(|error| {
            let message = format!("this is not a JSON string: {error}");
            fault(FaultCode::Syntax, mark, message, "escape it as JSON does")
        })?;
        let width = self.column.saturating_sub(usize::try_from(mark.column).unwrap_or(0));
        Ok((text, Mark { width: narrow(width.max(1)), ..mark }))
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Node, Fault> {
        let (mark, from) = (self.mark(), self.at);
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) {
            self.step();
        }
        let word = self.text.get(from..self.at).unwrap_or("");
        let mark = Mark { width: narrow(word.len().max(1)), ..mark };
        if word == "null" {
            return Ok(Node { mark, value: Value::Nothing });
        }
        // The number stays the text that was written; it is only asked whether it is one.
        if matches!(word, "true" | "false") || serde_json::from_str::<serde_json::Number>(word).is_ok() {
            return Ok(Node { mark, value: Value::Scalar(word.to_owned(), Style::Bare) });
        }
        let message = if word.is_empty() {
            "this is not JSON: a value is expected here".to_owned()
        } else {
            format!("this is not JSON: `{word}` is no number; text stands in quotes")
        };
        Err(fault(FaultCode::Syntax, mark, message, JSON_HELP))
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.step();
        }
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.step();
        }
        found
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn step(&mut self) {
        let Some(c) = self.peek() else { return };
        self.at = self.at.saturating_add(c.len_utf8());
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
    }

    fn mark(&self) -> Mark {
        Mark { line: narrow(self.line), column: narrow(self.column), width: 1 }
    }

    fn syntax(&self, what: &str) -> Fault {
        fault(FaultCode::Syntax, self.mark(), format!("this is not JSON: {what}"), JSON_HELP)
    }
}

const JSON_HELP: &str = "a document that begins with `{` is read as JSON; for YAML let it begin with a field's name";
