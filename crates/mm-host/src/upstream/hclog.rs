//! Log records as lines of JSON on standard error, as go-plugin reads them.
//!
//! Care is needed: where `@level`, `@message` or `@timestamp` is not a string the whole Mattermost server panics, a line beyond 64 KiB
//! falls into pieces without a level, and so does one whose time cannot be read.

use serde_json::{Map, Value};

use crate::log::LogRecord;

/// Longest line, in bytes, well below the reader's 64 KiB.
const MAX_LINE: usize = 60 * 1024;

/// Most of a line that is the message, as JSON has it.
const MAX_MESSAGE: usize = 48 * 1024;

/// Most of a line that is key-values, and most of one of them, as JSON has them.
const MAX_FIELDS: usize = 8 * 1024;
const MAX_FIELD: usize = 2 * 1024;

/// What a text that was cut ends with.
const CUT: &str = "…";

/// The record as lines, each with its newline. One that is too long for a line takes several.
pub(crate) fn lines(record: &LogRecord) -> Vec<String> {
    let mut text = record.message.clone();
    if !record.traceback.is_empty() {
        text.push('\n');
        text.push_str(&record.traceback);
    }
    let fields = fields(record);
    let mut rest = text.as_str();
    let mut lines = Vec::new();
    loop {
        let (piece, after) = rest.split_at(fitting(rest, MAX_MESSAGE));
        lines.push(line(record, piece, if lines.is_empty() { fields.clone() } else { Map::new() }));
        rest = after.strip_prefix('\n').unwrap_or(after);
        if rest.is_empty() {
            return lines;
        }
    }
}

fn line(record: &LogRecord, message: &str, mut object: Map<String, Value>) -> String {
    // Strings all three, whatever happens: see above.
    object.insert("@level".to_owned(), Value::String(record.level.as_str().to_owned()));
    object.insert("@message".to_owned(), Value::String(message.to_owned()));
    object.insert("@timestamp".to_owned(), Value::String(timestamp(record.time_ms)));
    let mut line = Value::Object(object).to_string();
    debug_assert!(line.len() < MAX_LINE, "{} bytes", line.len());
    line.push('\n');
    line
}

/// The key-values, as many as there is room for, and none that looks like one of hclog's own.
fn fields(record: &LogRecord) -> Map<String, Value> {
    let mut room = MAX_FIELDS;
    let mut object = Map::new();
    for (key, value) in super::logs::key_values(record) {
        let value = match fitting(&value, MAX_FIELD) {
            whole if whole == value.len() => value,
            most => format!("{}{CUT}", &value[..most]),
        };
        let key = key.replace('@', "_");
        let size = size(&key) + size(&value);
        if size > room {
            break;
        }
        room -= size;
        object.insert(key, Value::String(value));
    }
    object
}

/// How many bytes a text takes in JSON, at most.
fn size(text: &str) -> usize {
    text.chars().map(escaped).sum::<usize>() + 8
}

fn escaped(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        other if other < ' ' => 6,
        other => other.len_utf8(),
    }
}

/// How many bytes of `text`, from its beginning, JSON writes in `limit`; to the end of a line when one is near.
fn fitting(text: &str, limit: usize) -> usize {
    let mut sum = 0;
    let fits = |(_, character): &(usize, char)| {
        sum += escaped(*character);
        sum > limit
    };
    let Some((end, _)) = text.char_indices().find(fits) else { return text.len() };
    // A character never takes more than the limit, so there is progress.
    text[..end].rfind('\n').filter(|line_end| *line_end > end / 2).unwrap_or(end)
}

/// Milliseconds since the Unix epoch as hclog's `2006-01-02T15:04:05.000000Z07:00`, in UTC.
fn timestamp(time_ms: i64) -> String {
    let time_ms = time_ms.clamp(0, MAX_TIME_MS);
    let (seconds, ms) = (time_ms / 1000, time_ms % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}000Z")
}

/// The last millisecond of the year 9999: the format has no room for more.
const MAX_TIME_MS: i64 = 253_402_300_799_999;

/// Year, month and day so many days after 1970-01-01, after Howard Hinnant's `civil_from_days`: years that begin in March, in eras of
/// 400 of them.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (400 * era + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogLevel, LogSource};

    fn record(message: impl Into<String>) -> LogRecord {
        LogRecord::new(LogLevel::Warn, LogSource::Logger, message)
    }

    fn parsed(record: &LogRecord) -> Vec<Map<String, Value>> {
        let lines = lines(record);
        for line in &lines {
            assert!(line.len() < MAX_LINE && line.ends_with('\n') && line.matches('\n').count() == 1, "{}", line.len());
        }
        lines.iter().map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    #[test]
    fn all_that_the_reader_takes_for_granted_is_a_string() {
        let mut strange = record("5");
        for (key, value) in [("@message", "5"), ("@level", "x"), ("@timestamp", "no"), ("n", "7"), ("logger", "mine")] {
            strange.fields.insert(key.to_owned(), value.to_owned());
        }
        strange.logger = "theirs".to_owned();
        strange.time_ms = 1_704_164_645_006;
        let [object] = parsed(&strange).try_into().unwrap();
        assert!(object.values().all(Value::is_string));
        let expected = serde_json::json!({
            "@level": "warn", "@message": "5", "@timestamp": "2024-01-02T03:04:05.006000Z",
            "_level": "x", "_message": "5", "_timestamp": "no", "logger": "mine", "n": "7",
        });
        assert_eq!(Value::Object(object), expected);
    }

    #[test]
    fn a_traceback_is_in_the_record() {
        let mut failed = record("it failed");
        failed.traceback = "Traceback (most recent call last):\nValueError: no".to_owned();
        let [object] = parsed(&failed).try_into().unwrap();
        assert_eq!(object["@message"], "it failed\nTraceback (most recent call last):\nValueError: no");
    }

    #[test]
    fn long_records_take_several_lines_and_lose_nothing() {
        for unit in ["x", "\u{1}", "ä", "🦊", "\"", "line\n"] {
            let text = unit.repeat((1 << 20) / unit.len());
            let pieces = parsed(&record(text.clone()));
            assert!(pieces.len() > 1);
            let whole: String = pieces.iter().map(|it| it["@message"].as_str().unwrap()).collect();
            assert_eq!(whole.replace('\n', ""), text.replace('\n', ""));
        }
        let mut wide = record("m");
        wide.fields = (0..100).map(|it| (format!("key{it:03}"), "\u{7}".repeat(5000))).collect();
        let [object] = parsed(&wide).try_into().unwrap();
        assert!(object.len() > 3 && object["key000"].as_str().unwrap().ends_with(CUT));
    }

    #[test]
    fn an_empty_text_is_a_record_too() {
        assert_eq!(parsed(&record("")).len(), 1);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-5, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000000Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000000Z"),
            (i64::MAX, "9999-12-31T23:59:59.999000Z"),
        ] {
            assert_eq!(timestamp(ms), expected);
        }
    }
}
