//! How a command ends: the exit codes, and what is said when it could not do what it was asked.

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

macro_rules! exits {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        /// An exit code. Their numbers and meanings are permanent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Exit {$(
            #[doc = $meaning]
            $name,
        )*}

        impl Exit {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {$(Self::$name => $code,)*}
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {$(Self::$name => $meaning,)*}
            }
        }
    };
}

exits! {
    Done = 0, "done; the answer is yes; the service stopped in order";
    No = 1, "the answer is no: the plan has faults, it is no number, the call is not routed, a check failed, there is no such record, a change was refused";
    Usage = 2, "the command line or a setting is wrong";
    Cannot = 3, "it cannot be done: a file cannot be read, the system refused, the service is down";
    InUse = 4, "another telness uses the data folder";
    AddressUnavailable = 5, "the address cannot be listened on";
    PublicWithoutKeys = 6, "refused to listen beyond loopback without any API key";
    Damaged = 7, "in the data folder server.key, node.name or the call log is damaged, or the call log is of a later version (serve goes on without the call log)";
    Interrupted = 130, "ended at once by a second signal; what was acknowledged is in the journal";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The exit codes as `--help` and `docs/cli.md` show them.
#[must_use]
pub fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:>3}  {}", exit.code(), exit.meaning());
    }
    text
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// It ends with this code, and says why and what to do.
    Said {
        /// The code.
        exit: Exit,
        /// What happened, why, and what to do.
        message: String,
    },
    /// Whoever read the output went away, as `head` does; there is nobody to tell.
    ReaderGone,
}

impl Failure {
    /// A failure with its words.
    pub fn new(exit: Exit, message: impl std::fmt::Display) -> Self {
        Self::Said { exit, message: message.to_string() }
    }

    /// It cannot be done.
    pub fn cannot(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Cannot, message)
    }

    /// The command line is wrong.
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What writing the output failed with.
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::cannot(format_args!("the output cannot be written: {error}"))
        }
    }
}
