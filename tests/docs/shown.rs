//! What a page shows of an output, and whether an output is like that.

/// Whether the output is what the page shows. A line `...` stands for any lines, `...` within a line for any characters.
/// White space at the ends of lines and of the whole does not count.
pub(crate) fn is_as_shown(shown: &str, output: &str) -> bool {
    lines_match(&lines(shown), &lines(output))
}

/// Whether somewhere in the output, in this order, there is each line that the page shows.
pub(crate) fn is_among(shown: &str, output: &str) -> bool {
    let anywhere: String = lines(shown).iter().flat_map(|line| ["...\n", line, "\n"]).collect();
    is_as_shown(&format!("{anywhere}..."), output)
}

fn lines(text: &str) -> Vec<&str> {
    text.trim().lines().map(str::trim_end).collect()
}

fn lines_match(shown: &[&str], output: &[&str]) -> bool {
    match shown {
        [] => output.is_empty(),
        ["...", rest @ ..] => (0..=output.len()).any(|skipped| lines_match(rest, &output[skipped..])),
        [first, rest @ ..] => {
            output.first().is_some_and(|line| line_matches(first, line)) && lines_match(rest, &output[1..])
        }
    }
}

fn line_matches(shown: &str, line: &str) -> bool {
    match shown.split_once("...") {
        None => shown == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(index, _)| index).chain([rest.len()]);
            ends.into_iter().any(|end| line_matches(after, &rest[end..]))
        }),
    }
}

#[test]
fn dots_stand_for_lines_and_for_characters() {
    let output = "HTTP/2 403 \r\ncontent-length: 19\r\n\r\nforbidden, request 7\n";
    assert!(is_as_shown("HTTP/2 403\n...\nforbidden, request ...", output));
    assert!(is_as_shown("HTTP/2 ...\n...", output));
    assert!(!is_as_shown("HTTP/2 403\nforbidden, request ...", output), "lines are left out only where dots are");
    assert!(!is_as_shown("HTTP/2 403", output));
    assert!(!is_as_shown("HTTP/2 200\n...", output));
    assert!(is_as_shown("", "\n"));
    assert!(is_among("HTTP/2 403\nforbidden...", output));
    assert!(!is_among("forbidden...\nHTTP/2 403", output));
}
