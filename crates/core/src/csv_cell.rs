//! One cell of CSV (RFC 4180) that a spreadsheet opens without running anything in it.

/// Writes one cell. What a spreadsheet would take for a formula is given an apostrophe before it; a number in E.164 is
/// no formula and stays as it is, so that machines read it.
pub fn push(text: &mut String, cell: &str) {
    let plain_number = cell
        .strip_prefix('+')
        .is_some_and(|rest| !rest.is_empty() && rest.len() <= 15 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    let formula = !plain_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted = formula || cell.contains(['"', ',', '\r', '\n', '\t', ';']);
    if !quoted {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_caller_sends_becomes_a_formula() {
        let cell = |sent: &str| {
            let mut text = String::new();
            push(&mut text, sent);
            text
        };
        assert_eq!(cell("+46701740605"), "+46701740605");
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"x\""), "\"say \"\"x\"\"\"");
        for formula in ["=1+1", "+1+1", "+", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", "+4670174060512345"] {
            assert!(cell(formula).starts_with("\"'"), "{formula}");
        }
    }
}
