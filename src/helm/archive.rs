//! A chart's gzipped tar archive, read with limits and without trusting its paths.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::chart::{ChartError, File};

/// What an archive may unpack to, as in Helm.
const MAX_SIZE: u64 = 100 << 20;
const MAX_FILES: usize = 20_000;
const BLOCK: usize = 512;
/// How much room is made for what an archive says that it unpacks to. In bytes.
const MAX_TOLD_SIZE: usize = 4 << 20;

/// What a chart's archive may still unpack to, those of its subcharts included.
pub(super) struct Budget {
    bytes: u64,
    files: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: MAX_SIZE,
            files: MAX_FILES,
        }
    }
}

/// Unpacks the archive's files, without the folder they all lie in.
pub(super) fn read(bytes: &[u8], budget: &mut Budget) -> Result<Vec<File>, ChartError> {
    let mut tar = Vec::with_capacity(told_size(bytes));
    MultiGzDecoder::new(bytes)
        .take(budget.bytes + 1)
        .read_to_end(&mut tar)
        .map_err(|_| damaged("is no gzip file, or is cut off"))?;
    budget.bytes = budget
        .bytes
        .checked_sub(tar.len() as u64)
        .ok_or_else(|| damaged("unpacks to more than 100 MiB"))?;
    let tar = Bytes::from(tar);
    let mut files = Vec::new();
    let mut rest = &tar[..];
    let mut long_name = None;
    while let Some(header) = rest.get(..BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let size = checked_size(header)?;
        let data = rest
            .get(BLOCK..BLOCK + size)
            .ok_or_else(|| damaged("is cut off"))?;
        rest = rest
            .get(BLOCK + size.div_ceil(BLOCK) * BLOCK..)
            .unwrap_or_default();
        match header[156] {
            b'L' => long_name = Some(text(data)),
            b'x' => long_name = pax_path(data).or(long_name),
            b'0' | b'\0' | b'7' => {
                let name = long_name.take().unwrap_or_else(|| header_name(header));
                if !name.ends_with('/') {
                    files.push(File::found(inner_name(&name)?, tar.slice_ref(data)));
                }
            }
            b'5' | b'g' => long_name = None,
            b'1' | b'2' => return Err(damaged("holds a link, which a chart may not")),
            _ => return Err(damaged("holds an entry of an unknown kind")),
        }
        if files.len() > budget.files {
            return Err(damaged("holds too many files"));
        }
    }
    budget.files -= files.len();
    if files.is_empty() {
        return Err(damaged("holds no files"));
    }
    Ok(files)
}

/// The size that the [last four bytes](https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1) of a gzip file tell, which
/// nothing vouches for, and the byte after it that says that there is no more.
fn told_size(bytes: &[u8]) -> usize {
    let size = bytes
        .last_chunk()
        .map_or(0, |size| u32::from_le_bytes(*size));
    usize::try_from(size).map_or(0, |size| size.min(MAX_TOLD_SIZE)) + 1
}

fn damaged(problem: &str) -> ChartError {
    ChartError::Archive(problem.to_owned())
}

fn checked_size(header: &[u8]) -> Result<usize, ChartError> {
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(index, byte)| match index {
            148..156 => u64::from(b' '),
            _ => u64::from(*byte),
        })
        .sum();
    let wrong = || damaged("is no tar file, or is damaged");
    if octal(&header[148..156]) != Some(sum) {
        return Err(wrong());
    }
    octal(&header[124..136])
        .filter(|size| *size <= MAX_SIZE)
        .and_then(|size| usize::try_from(size).ok())
        .ok_or_else(wrong)
}

fn octal(field: &[u8]) -> Option<u64> {
    u64::from_str_radix(text(field).trim(), 8).ok()
}

fn text(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn header_name(header: &[u8]) -> String {
    let name = text(&header[..100]);
    let prefix = text(&header[345..500]);
    if header[257..262] == *b"ustar" && !prefix.is_empty() {
        format!("{prefix}/{name}")
    } else {
        name
    }
}

/// The `path` of an extended header: lines of `length key=value`.
fn pax_path(data: &[u8]) -> Option<String> {
    let mut rest = data;
    let mut path = None;
    while let Some(blank) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..blank]).ok()?.parse().ok()?;
        let line = rest.get(blank + 1..length.checked_sub(1)?)?;
        if let Some(value) = line.strip_prefix(b"path=") {
            path = Some(String::from_utf8_lossy(value).into_owned());
        }
        rest = &rest[length..];
    }
    path
}

/// The path within the chart's folder.
fn inner_name(name: &str) -> Result<String, ChartError> {
    let name = name.replace('\\', "/");
    let Some((_, inner)) = name.trim_start_matches("./").split_once('/') else {
        return Err(damaged("holds files outside of the chart's folder"));
    };
    let mut parts = Vec::new();
    for part in inner.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(damaged("holds a path that leaves the chart's folder")),
            part => parts.push(part),
        }
    }
    let is_drive = parts.first().is_some_and(|first| first.ends_with(':'));
    if inner.starts_with('/') || is_drive || parts.is_empty() {
        return Err(damaged("holds a path that leaves the chart's folder"));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn entry(name: &str, kind: u8, data: &str) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        block[148..156].fill(b' ');
        block[156] = kind;
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block.extend(data.as_bytes());
        block.resize(block.len().next_multiple_of(BLOCK), 0);
        block
    }

    fn gzipped(tar: &[Vec<u8>]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&tar.concat()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn files_come_without_the_folder_around_them() {
        let archive = gzipped(&[
            entry("c/Chart.yaml", b'0', "name: c"),
            entry("c/a/b", b'0', ""),
        ]);
        let files = read(&archive, &mut Budget::default()).unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["Chart.yaml", "a/b"]);
        assert_eq!(files[0].data, "name: c");
    }

    #[test]
    fn archives_that_reach_outside_or_are_damaged_are_refused() {
        let leaves = "the chart archive holds a path that leaves the chart's folder";
        let cases = [
            (gzipped(&[entry("c/../../x", b'0', "")]), leaves),
            (gzipped(&[entry("c//etc/x", b'0', "")]), leaves),
            (gzipped(&[entry("c/C:/x", b'0', "")]), leaves),
            (
                gzipped(&[entry("Chart.yaml", b'0', "")]),
                "the chart archive holds files outside of the chart's folder",
            ),
            (
                gzipped(&[entry("c/link", b'2', "")]),
                "the chart archive holds a link, which a chart may not",
            ),
            (gzipped(&[]), "the chart archive holds no files"),
            (
                gzipped(&[vec![7; BLOCK]]),
                "the chart archive is no tar file, or is damaged",
            ),
            (
                b"no gzip".to_vec(),
                "the chart archive is no gzip file, or is cut off",
            ),
        ];
        for (archive, expected) in cases {
            let error = read(&archive, &mut Budget::default()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
