//! The flags of every change: who makes it and why, and what has to be there for it to be made.

use std::fs;

use clap::Args;
use telness_engine::clock::Clock;
use telness_store::control::{Edit, Expect, Version};

/// The longest name of an author, in characters.
const AUTHOR_CHARS_MAX: usize = 128;
/// The longest comment, in characters.
const COMMENT_CHARS_MAX: usize = 1024;

/// Where the system's users are listed.
const USERS: &str = "/etc/passwd";

/// What the log of changes says of a change.
#[derive(Args, Clone, Debug)]
pub(super) struct EditFlags {
    /// Who makes the change; the system's user if not said
    #[arg(long, value_name = "NAME", value_parser = author)]
    author: Option<String>,
    /// Why, for the log of changes
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = comment)]
    comment: String,
}

/// What has to be there.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct ExpectFlags {
    /// Only if it is of this version still, as `show` tells it
    #[arg(long, value_name = "N", conflicts_with = "if_absent")]
    if_version: Option<i64>,
    /// Only if there is none yet
    #[arg(long)]
    if_absent: bool,
}

/// What has to be there of something that is taken away.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct VersionFlag {
    /// Only if it is of this version still, as `show` tells it
    #[arg(long, value_name = "N")]
    if_version: Option<i64>,
}

impl EditFlags {
    /// The change that is made now.
    pub(super) fn edit(&self) -> Edit {
        let author = self.author.clone().unwrap_or_else(system_user);
        Edit { author, comment: self.comment.clone(), at: Clock::system().now() }
    }
}

impl ExpectFlags {
    pub(super) fn expect(self) -> Expect {
        match self.if_version {
            Some(version) => Expect::Version(Version(version)),
            None if self.if_absent => Expect::Absent,
            None => Expect::Any,
        }
    }
}

impl VersionFlag {
    pub(super) fn expect(self) -> Expect {
        self.if_version.map_or(Expect::Any, |version| Expect::Version(Version(version)))
    }
}

fn author(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { bounded(text, AUTHOR_CHARS_MAX) }
}

fn comment(text: &str) -> Result<String, String> {
    bounded(text, COMMENT_CHARS_MAX)
}

fn bounded(text: &str, chars_max: usize) -> Result<String, String> {
    if text.chars().count() > chars_max {
        return Err(format!("it is longer than {chars_max} characters"));
    }
    if text.chars().any(char::is_control) { Err("it has a control character".to_owned()) } else { Ok(text.to_owned()) }
}

/// Who runs the command, by the system's list of users; by number if the list does not have him.
fn system_user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let users = fs::read_to_string(USERS).unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| bounded(name, AUTHOR_CHARS_MAX).is_ok() && !name.is_empty())?;
        fields.nth(1).and_then(|id| id.parse().ok()).filter(|id: &u32| *id == uid).map(|_| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::{author, comment};

    #[test]
    fn who_and_why_are_one_line_and_not_endless() {
        assert!(author("anna").is_ok() && author(" ").is_err() && author(&"a".repeat(129)).is_err());
        assert!(comment("").is_ok() && comment("a\nb").is_err() && comment(&"ö".repeat(1025)).is_err());
    }
}
