//! Container logs as a kubelet's runtime writes them (CRI): `TIME STREAM TAG CONTENT`, where a line of more than 16 KiB is
//! cut into parts, tagged `P` but for the last, `F`.
//!
//! The format is of kubernetes `pkg/kubelet/kuberuntime/logs/logs.go` (`parseCRILog`). The parts of one stream are in
//! order; lines of the other may stand between them.

use super::chunk::Span;
use super::{Fault, FaultKind};

/// Takes the prefixes off lines and joins their parts.
#[derive(Default)]
pub(super) struct ContainerLog {
    /// Of standard output and standard error: parts whose last is still to come.
    pending: [Option<Pending>; 2],
}

struct Pending {
    content: Vec<u8>,
    line: u64,
    offset: u64,
}

/// A line of a container log.
struct Parsed<'a> {
    /// 0 for standard output, 1 for standard error.
    stream: usize,
    is_partial: bool,
    content: &'a [u8],
}

/// The lines of a container log, one after another, and where each stands.
#[derive(Default)]
pub(super) struct Contents {
    /// What the lines hold, each with a line end.
    pub(super) bytes: Vec<u8>,
    /// Where each line is in `bytes`.
    pub(super) spans: Vec<Span>,
}

impl Contents {
    fn push(&mut self, content: &[u8], line: u64, offset: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(content);
        self.spans.push(Span { range: start..self.bytes.len(), line, offset });
        self.bytes.push(b'\n');
    }
}

impl ContainerLog {
    /// Whether any of the whole lines of `start` is one of a container log: a damaged first one must not decide.
    pub(super) fn is_one(start: &[u8]) -> bool {
        let last = memchr::memrchr(b'\n', start).map_or(start.len(), |at| at);
        start[..last].split(|byte| *byte == b'\n').any(|line| parse(line).is_some())
    }

    /// Takes the next whole lines, the first of which has this number and offset. Lines of another form stay as they are.
    ///
    /// Parts without a last one are handed over as they are when the file `is_last`, and given up when they are longer than
    /// a line may be.
    pub(super) fn take(
        &mut self,
        lines: &[u8],
        (mut line, mut offset): (u64, u64),
        is_last: bool,
        max_bytes: usize,
        faults: &mut Vec<Fault>,
    ) -> Contents {
        let mut contents = Contents::default();
        for bytes in lines.split_inclusive(|byte| *byte == b'\n') {
            let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            match parse(text) {
                None => contents.push(text, line, offset),
                Some(parsed) => {
                    let content_at = offset + (text.len() - parsed.content.len()) as u64;
                    self.part(&parsed, (line, content_at), max_bytes, faults, &mut contents);
                }
            }
            line += 1;
            offset += bytes.len() as u64;
        }
        if is_last {
            for pending in self.pending.iter_mut().filter_map(Option::take) {
                contents.push(&pending.content, pending.line, pending.offset);
            }
        }
        contents
    }

    fn part(
        &mut self,
        parsed: &Parsed<'_>,
        (line, offset): (u64, u64),
        max_bytes: usize,
        faults: &mut Vec<Fault>,
        contents: &mut Contents,
    ) {
        let slot = &mut self.pending[parsed.stream];
        match (slot.take(), parsed.is_partial) {
            (None, false) => contents.push(parsed.content, line, offset),
            (Some(mut pending), is_partial) => {
                pending.content.extend_from_slice(parsed.content);
                if pending.content.len() > max_bytes {
                    faults.push(Fault { kind: FaultKind::TooLong, line: pending.line, offset: pending.offset });
                } else if is_partial {
                    *slot = Some(pending);
                } else {
                    contents.push(&pending.content, pending.line, pending.offset);
                }
            }
            (None, true) => *slot = Some(Pending { content: parsed.content.to_vec(), line, offset }),
        }
    }
}

/// `None` if it is no line of a container log.
fn parse(line: &[u8]) -> Option<Parsed<'_>> {
    line.first().filter(|byte| byte.is_ascii_digit())?;
    let mut fields = line.splitn(4, |byte| *byte == b' ');
    fields.next().filter(|time| is_time(time))?;
    let stream = match fields.next()? {
        b"stdout" => 0,
        b"stderr" => 1,
        _ => return None,
    };
    // More tags may follow after a colon; the first says whether the line goes on.
    let is_partial = match fields.next()?.split(|byte| *byte == b':').next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    Some(Parsed { stream, is_partial, content: fields.next().unwrap_or_default() })
}

/// `2026-03-10T09:00:00.000000000Z` or with an offset: as far as it takes to tell it from anything else.
fn is_time(word: &[u8]) -> bool {
    let form = b"0000-00-00T00:00:00";
    let is_alike = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    word.len() > form.len() && word.iter().zip(form).all(is_alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-03-10T09:00:00.1Z stdout F whole\n\
        2026-03-10T09:00:00.2Z stdout P a\n\
        2026-03-10T09:00:00.3Z stderr F I0310 klog\n\
        2026-03-10T09:00:00.4+01:00 stdout P:x b\n\
        no such line\r\n\
        2026-03-10T09:00:00.5Z stdout F c\n\
        2026-03-10T09:00:00.6Z stdout P torn\n";

    fn contents(log: &str, lines_at_once: usize) -> Vec<(String, u64, u64)> {
        let mut container = ContainerLog::default();
        let lines: Vec<_> = log.split_inclusive('\n').collect();
        let (mut line, mut offset, mut found) = (1, 0, Vec::new());
        for (at, lines) in lines.chunks(lines_at_once).map(<[_]>::concat).enumerate() {
            let is_last = (at + 1) * lines_at_once >= log.lines().count();
            let contents = container.take(lines.as_bytes(), (line, offset), is_last, 1_000, &mut Vec::new());
            line += lines.lines().count() as u64;
            offset += lines.len() as u64;
            found.extend(
                contents.spans.into_iter().map(|span| {
                    (String::from_utf8(contents.bytes[span.range].to_vec()).unwrap(), span.line, span.offset)
                }),
            );
        }
        found
    }

    #[test]
    fn parts_are_joined_however_the_lines_are_cut() {
        for at_once in 1..8 {
            let found = contents(LOG, at_once);
            let texts: Vec<_> = found.iter().map(|(text, line, _)| (text.as_str(), *line)).collect();
            assert_eq!(
                texts,
                [("whole", 1), ("I0310 klog", 3), ("no such line", 5), ("abc", 2), ("torn", 7)],
                "{at_once}"
            );
            assert!(LOG[usize::try_from(found[3].2).unwrap()..].starts_with("a\n"));
        }
    }

    #[test]
    fn one_line_of_a_container_log_makes_it_one() {
        assert!(ContainerLog::is_one(b"\xff\x00\n2026-03-10T09:00:00.1Z stdout F {}\n"));
        assert!(!ContainerLog::is_one(b"{\"a\":1}\n{\"b\":1}\n2026-03-10T09:00:00Z {}\n"));
        assert!(!ContainerLog::is_one(b"2026-03-10T09:00:00.1Z stdout X {}\n"));
    }

    #[test]
    fn parts_that_never_end_are_given_up() {
        let mut faults = Vec::new();
        let log = "2026-03-10T09:00:00.1Z stdout P aaaa\n".repeat(4) + "2026-03-10T09:00:00.2Z stderr F b\n";
        let contents = ContainerLog::default().take(log.as_bytes(), (1, 0), true, 10, &mut faults);
        assert_eq!((faults.len(), faults[0].line), (1, 1));
        assert_eq!(contents.spans.iter().map(|span| span.line).collect::<Vec<_>>(), [5, 4]);
    }
}
