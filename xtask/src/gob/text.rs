//! Bytes as text: hexadecimal, base64, RFC 3339.

use anyhow::{Context as _, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mm_gob::Time;

pub(super) fn from_hex(text: &str) -> Result<Vec<u8>> {
    let text = text.trim();
    ensure!(text.len().is_multiple_of(2) && text.is_ascii(), "`hex` has not two digits a byte");
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16);
    (0..text.len()).step_by(2).map(byte).collect::<Result<_, _>>().context("`hex` is not hexadecimal")
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn to_base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub(super) fn from_base64(text: &str) -> Result<Vec<u8>> {
    BASE64_STANDARD.decode(text).with_context(|| format!("{text:?} is not base64"))
}

/// Days from the first of January 1970 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the day which is not always there comes last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

pub(super) fn to_rfc3339(time: Time) -> String {
    let offset = time.offset.unwrap_or(0);
    let local = time.seconds.wrapping_add(i64::from(offset));
    let (year, month, day) = date(local.div_euclid(86_400));
    let second = local.rem_euclid(86_400);
    let mut text =
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    if time.nanos > 0 {
        text.push_str(format!(".{:09}", time.nanos).trim_end_matches('0'));
    }
    match time.offset {
        None => text.push('Z'),
        Some(offset) => {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.abs() / 60;
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
    }
    text
}

pub(super) fn from_rfc3339(text: &str) -> Result<Time> {
    parse_time(text).with_context(|| format!("{text:?} is no time as 2024-01-02T03:04:05.006Z or …+05:30"))
}

fn parse_time(text: &str) -> Option<Time> {
    let (date, clock) = text.split_once('T')?;
    let (clock, offset) = match clock.find(['Z', '+', '-']) {
        Some(at) => clock.split_at(at),
        None => return None,
    };
    let offset = match offset.strip_prefix('Z') {
        Some("") => None,
        _ => {
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            Some(if offset.starts_with('-') { -seconds } else { seconds })
        }
    };
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let mut part = || date.next()?.ok();
    let days = days(part()?, part()?, part()?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut clock = clock.splitn(3, ':').map(str::parse::<i64>);
    let mut part = || clock.next()?.ok();
    let second = part()? * 3600 + part()? * 60 + part()?;
    let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(Time { seconds: days * 86_400 + second - i64::from(offset.unwrap_or(0)), nanos, offset })
}
