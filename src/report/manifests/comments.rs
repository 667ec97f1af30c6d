//! The evidence for a candidate as comments of its manifests, where text from logs can't end the comment.

/// How many characters a line of comments has at most.
pub(super) const COMMENT_WIDTH: usize = 110;

/// Sentences as comments above a manifest.
pub(super) fn comments(evidence: &[String]) -> String {
    let mut out = String::new();
    evidence.iter().for_each(|sentence| write_comment(sentence, &mut out));
    out
}

/// Writes one line of evidence as a comment, in as many lines as it takes; the further ones are indented.
pub(super) fn write_comment(evidence: &str, out: &mut String) {
    let shown = shown(evidence);
    let (mut rest, mut margin) = (shown.trim_end(), "# ");
    while let Some(end) = line_end(rest, COMMENT_WIDTH - margin.len()) {
        out.push_str(&format!("{margin}{}\n", rest[..end].trim_end()));
        (rest, margin) = (rest[end..].trim_start(), "#   ");
    }
    out.push_str(format!("{margin}{rest}").trim_end());
    out.push('\n');
}

/// Where to break a text that is too long for a line: at the last blank that leaves something before it, and else in
/// the middle of a word. `None` where it fits.
fn line_end(text: &str, width: usize) -> Option<usize> {
    let (limit, after) = text.char_indices().nth(width)?;
    let blank = if after == ' ' { Some(limit) } else { text[..limit].rfind(' ') };
    Some(blank.filter(|blank| !text[..*blank].trim().is_empty()).unwrap_or(limit))
}

/// A text with escapes for all that would break a line or isn't seen.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Controls, what YAML takes for a line break or doesn't allow, and what has no width or turns the direction of the
/// text (the category `Cf` of Unicode, as far as it isn't part of a script).
pub(super) fn is_hidden(character: char) -> bool {
    let is_format = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let is_no_character = u32::from(character) & 0xfffe == 0xfffe;
    character.is_control() || is_format || is_no_character
}
