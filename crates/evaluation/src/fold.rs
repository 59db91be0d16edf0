//! Predictions and labels in the order in which they came, each under its key, into counters. What is remembered of a key between one
//! fold and the next, and where the counters are kept, is somebody else's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    baseline::Frame,
    error::Error,
    join::{Account, ClientKey},
    profile::Profile,
    record::{Audit, Columns, Reader, Record, outcome},
    row::{Outcome, Row},
    window::Windows,
};

/// How rows are cut, and how long labels may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The length of a window, in seconds.
    pub window_s: u64,
    /// Inputs or outputs whose values are segments.
    #[serde(default)]
    pub segments: Vec<String>,
    /// How long after its prediction a label still counts, in seconds; for ever if it is not there.
    #[serde(default)]
    pub horizon_s: Option<f64>,
}

impl Default for Cut {
    fn default() -> Self {
        Self { window_s: 86_400, segments: Vec::new(), horizon_s: None }
    }
}

/// Which rows a profile is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The window of the prediction.
    pub window: i64,
    /// `name=value`; empty for all rows of the window.
    pub segment: String,
}

/// Something that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// When it came, in seconds since 1970: its time if it has none of its own.
    pub received: f64,
    /// What came.
    pub what: What,
}

/// A prediction or a label.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A model has answered a row.
    Prediction(Record),
    /// It is known what is true of one.
    Truth {
        /// Whose row it is, and its key.
        of: ClientKey,
        /// What is true.
        label: Json,
        /// When that was known, in seconds since 1970.
        time: Option<f64>,
    },
}

/// What is remembered of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remembered {
    /// It was predicted and has no label.
    Predicted(Predicted),
    /// It has a label, and nobody has predicted it.
    Labelled {
        /// What is true.
        label: Json,
        /// When that was known.
        time: f64,
    },
    /// It has both.
    Matched {
        /// When it was predicted.
        time: f64,
        /// In which window.
        window: i64,
        /// What is true.
        label: Json,
    },
}

/// What of a prediction its label needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    time: f64,
    window: i64,
    segments: Vec<String>,
    predicted: Outcome,
    probabilities: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<Audit>,
}

impl Remembered {
    /// Whether it is a label that waits for its prediction.
    #[must_use]
    pub const fn is_orphan(&self) -> bool {
        matches!(self, Self::Labelled { .. })
    }
}

/// The counters of what is new in one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    profile: Profile,
    /// How many of the predictions that were pending are so no longer.
    settled: u64,
}

impl Counted {
    /// Adds what is new to what was counted before.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if that is of another baseline.
    pub fn add_to(&self, profile: &mut Profile) -> Result<(), Error> {
        profile.merge(&self.profile)?;
        profile.account.pending = profile.account.pending.saturating_sub(self.settled);
        Ok(())
    }
}

/// A fold in the making.
#[derive(Debug)]
pub struct Fold<'f> {
    frame: &'f Frame,
    reader: Reader<'f>,
    cut: &'f Cut,
    keys: BTreeMap<ClientKey, Remembered>,
    changed: BTreeSet<ClientKey>,
    counted: BTreeMap<Place, Counted>,
    refused: Vec<String>,
    audited: Vec<Audited>,
}

/// An audited row: once when it was predicted, and once more when its label came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// What both models said.
    pub audit: Audit,
    /// What is true, once that is known.
    pub label: Option<String>,
}

/// What a fold has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// What is new, by place.
    pub counted: BTreeMap<Place, Counted>,
    /// What is to be remembered of keys from now on.
    pub keys: Vec<(ClientKey, Remembered)>,
    /// What could not be counted, and why.
    pub refused: Vec<String>,
    /// The audited rows of two phases, in the order of what came.
    pub audited: Vec<Audited>,
}

impl<'f> Fold<'f> {
    /// A fold that begins with what is remembered of all keys that will come.
    #[must_use]
    pub fn new(
        frame: &'f Frame,
        columns: &'f Columns,
        cut: &'f Cut,
        keys: BTreeMap<ClientKey, Remembered>,
    ) -> Self {
        let (changed, counted) = (BTreeSet::new(), BTreeMap::new());
        let reader = Reader::new(&frame.schema, columns);
        Self { frame, reader, cut, keys, changed, counted, refused: Vec::new(), audited: Vec::new() }
    }

    /// Takes what came next.
    ///
    /// # Errors
    /// [`Error::Task`] if the frame's own is of none.
    pub fn add(&mut self, happened: &Happened) -> Result<(), Error> {
        match &happened.what {
            What::Prediction(record) => self.prediction(record, happened.received),
            What::Truth { of, label, time } => self.truth(of, label, time.unwrap_or(happened.received)),
        }
    }

    /// What has been found.
    #[must_use]
    pub fn finish(mut self) -> Folded {
        let changed = std::mem::take(&mut self.changed);
        let keys = changed.into_iter().filter_map(|of| self.keys.remove_entry(&of)).collect();
        Folded { counted: self.counted, keys, refused: self.refused, audited: self.audited }
    }

    fn prediction(&mut self, record: &Record, received: f64) -> Result<(), Error> {
        let parts = match self.reader.parts(record) {
            Ok(parts) => parts,
            Err(error) => {
                self.refused.push(format!("key {}: {error}", record.key));
                return Ok(());
            }
        };
        let row = parts.row();
        let predicted = self.predicted(record, &row, record.time.unwrap_or(received));
        let of = client_key(&record.client, &record.key);
        let known = of.as_ref().and_then(|of| self.keys.get(of)).cloned();
        match known {
            Some(
                Remembered::Predicted(Predicted { time, window, .. })
                | Remembered::Matched { time, window, .. },
            ) => {
                // The same row at the same time is one that was sent again.
                let is_again = time.to_bits() == predicted.time.to_bits();
                self.count_in(window, |account| account.repeated += u64::from(!is_again))
            }
            Some(Remembered::Labelled { label, time }) => {
                self.count_row(&predicted, &row)?;
                self.settle(of.unwrap_or_default(), predicted, label, time)
            }
            None => {
                self.count_row(&predicted, &row)?;
                if let Some(of) = of {
                    self.remember(of, Remembered::Predicted(predicted));
                }
                Ok(())
            }
        }
    }

    fn truth(&mut self, of: &ClientKey, label: &Json, time: f64) -> Result<(), Error> {
        match self.keys.get(of).cloned() {
            None => {
                self.remember(of.clone(), Remembered::Labelled { label: label.clone(), time });
                Ok(())
            }
            Some(Remembered::Predicted(predicted)) => self.settle(of.clone(), predicted, label.clone(), time),
            Some(Remembered::Labelled { label: first, time: first_time }) => {
                self.again(self.window(first_time), &first, label)
            }
            Some(Remembered::Matched { label: first, window, .. }) => self.again(window, &first, label),
        }
    }

    /// A label of a key that has one.
    fn again(&mut self, window: i64, first: &Json, label: &Json) -> Result<(), Error> {
        let is_same = first == label;
        self.count_in(window, |account| match is_same {
            true => account.duplicate += 1,
            false => account.conflicting += 1,
        })
    }

    fn predicted(&self, record: &Record, row: &Row<'_>, time: f64) -> Predicted {
        let segment = |name: &String| format!("{name}={}", record.segment(name));
        Predicted {
            time,
            window: self.window(time),
            segments: self.cut.segments.iter().map(segment).collect(),
            predicted: row.predicted,
            probabilities: row.probabilities.to_vec(),
            audit: record.two_phase.clone(),
        }
    }

    fn window(&self, time: f64) -> i64 {
        Windows::Seconds(self.cut.window_s).of(0, Some(time)).unwrap_or_default()
    }

    /// Counts a prediction, which is pending until its label comes.
    fn count_row(&mut self, predicted: &Predicted, row: &Row<'_>) -> Result<(), Error> {
        let frame = self.frame;
        self.audited.extend(predicted.audit.clone().map(|audit| Audited { audit, label: None }));
        for place in predicted.places() {
            let counted = self.counted(place)?;
            counted.profile.add_prediction(frame, row);
            counted.profile.account.pending += 1;
        }
        Ok(())
    }

    /// Brings a counted prediction and its label together, unless that came too late.
    fn settle(&mut self, of: ClientKey, predicted: Predicted, label: Json, time: f64) -> Result<(), Error> {
        let frame = self.frame;
        let delay = time - predicted.time;
        if self.cut.horizon_s.is_some_and(|horizon| delay > horizon) {
            self.count_in(predicted.window, |account| account.late += 1)?;
            self.remember(of, Remembered::Predicted(predicted));
            return Ok(());
        }
        let truth = outcome(&frame.schema.task, &label);
        if truth.is_none() {
            self.refused.push(format!("key {}: `{label}` is no label", of.1));
            self.remember(of, Remembered::Predicted(predicted));
            return Ok(());
        }
        let row = Row {
            features: &[],
            predicted: predicted.predicted,
            probabilities: &predicted.probabilities,
            truth,
        };
        for place in predicted.places() {
            let counted = self.counted(place)?;
            counted.profile.add_truth(frame, &row);
            counted.profile.account.matched += 1;
            counted.profile.account.delays.add(delay);
            counted.settled += 1;
        }
        let name = || class_name(frame, truth).unwrap_or_else(|| label.to_string());
        self.audited.extend(predicted.audit.map(|audit| Audited { audit, label: Some(name()) }));
        self.remember(of, Remembered::Matched { time: predicted.time, window: predicted.window, label });
        Ok(())
    }

    fn count_in(&mut self, window: i64, count: impl FnOnce(&mut Account)) -> Result<(), Error> {
        let counted = self.counted(Place { window, segment: String::new() })?;
        count(&mut counted.profile.account);
        Ok(())
    }

    fn counted(&mut self, place: Place) -> Result<&mut Counted, Error> {
        use std::collections::btree_map::Entry;
        Ok(match self.counted.entry(place) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Counted { profile: Profile::new(self.frame)?, settled: 0 }),
        })
    }

    fn remember(&mut self, of: ClientKey, what: Remembered) {
        self.changed.insert(of.clone());
        self.keys.insert(of, what);
    }
}

/// The name of a class that is true, however its label was written.
fn class_name(frame: &Frame, truth: Option<Outcome>) -> Option<String> {
    match truth? {
        Outcome::Class(class) => frame.schema.task.classes().get(class?).cloned(),
        Outcome::Number(_) => None,
    }
}

impl Predicted {
    fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let window = self.window;
        let segments = self.segments.clone();
        std::iter::once(String::new()).chain(segments).map(move |segment| Place { window, segment })
    }
}

impl Folded {
    /// All that is new, whatever window it belongs to.
    ///
    /// # Errors
    /// [`Error::Task`] if the frame's own is of none.
    pub fn whole(&self, frame: &Frame) -> Result<Profile, Error> {
        let mut whole = Profile::new(frame)?;
        for (_, counted) in self.counted.iter().filter(|(place, _)| place.segment.is_empty()) {
            whole.merge(&counted.profile)?;
        }
        Ok(whole)
    }
}

/// The client and the key of a row as they are joined by: the key as JSON, for `"5"` and `5` are two keys. None without a key.
#[must_use]
pub fn client_key(client: &str, key: &Json) -> Option<ClientKey> {
    (!key.is_null()).then(|| (client.to_owned(), key.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        row::Value,
        schema::{Feature, Kind, Schema, Task},
    };

    fn frame() -> Frame {
        let schema = Schema {
            features: vec![Feature { name: "x".to_owned(), kind: Kind::Number }],
            task: Task::Classification { classes: vec!["0".to_owned(), "1".to_owned()] },
        };
        let values: Vec<[Value<'_>; 1]> = (0..100).map(|x| [Value::Number(f64::from(x))]).collect();
        let row = |(idx, features): (usize, &'static [Value<'static>; 1])| Row {
            features,
            predicted: Outcome::Class(Some(idx % 2)),
            probabilities: &[0.4, 0.6],
            truth: Some(Outcome::Class(Some(1))),
        };
        let values: &'static [[Value<'static>; 1]] = values.leak();
        let rows: Vec<Row<'_>> = values.iter().enumerate().map(row).collect();
        Frame::of(schema, &rows, 10).unwrap()
    }

    fn columns() -> Columns {
        Columns {
            prediction: Some("label".to_owned()),
            probabilities: Some("p".to_owned()),
            ..Columns::default()
        }
    }

    fn cut() -> Cut {
        Cut { window_s: 10, segments: vec!["country".to_owned()], horizon_s: Some(100.0) }
    }

    fn prediction(key: u8, time: f64) -> Happened {
        let record = json!({
            "key": key, "client": "c", "time": time,
            "inputs": {"x": [key], "country": if key.is_multiple_of(2) { "DE" } else { "FR" }},
            "outputs": {"label": key % 2, "p": [0.25, 0.75]},
        });
        Happened { received: time, what: What::Prediction(serde_json::from_value(record).unwrap()) }
    }

    fn label(key: u8, label: u8, time: f64) -> Happened {
        let of = ("c".to_owned(), key.to_string());
        Happened { received: time, what: What::Truth { of, label: json!(label), time: None } }
    }

    /// Everything folded in pieces of so many, keys and counters carried along.
    fn folded(
        happened: &[Happened],
        piece: usize,
    ) -> (BTreeMap<ClientKey, Remembered>, BTreeMap<Place, Profile>) {
        let (frame, columns, cut) = (frame(), columns(), cut());
        let (mut keys, mut profiles) = (BTreeMap::new(), BTreeMap::new());
        for piece in happened.chunks(piece) {
            let mut fold = Fold::new(&frame, &columns, &cut, keys.clone());
            piece.iter().for_each(|it| fold.add(it).unwrap());
            let found = fold.finish();
            keys.extend(found.keys);
            for (place, counted) in found.counted {
                let profile = profiles.entry(place).or_insert_with(|| Profile::new(&frame).unwrap());
                counted.add_to(profile).unwrap();
            }
        }
        (keys, profiles)
    }

    fn account(happened: &[Happened]) -> Account {
        let mut whole = Account::default();
        let (_, profiles) = folded(happened, 100);
        let all = profiles.iter().filter(|(place, _)| place.segment.is_empty());
        all.for_each(|(_, profile)| whole.merge(&profile.account));
        whole
    }

    #[test]
    fn every_label_and_every_prediction_is_accounted_for() {
        let happened = [
            prediction(1, 0.0),
            prediction(2, 1.0),
            label(1, 1, 5.0),
            label(1, 1, 6.0),
            label(1, 0, 7.0),
            prediction(1, 0.0),
            prediction(1, 9.0),
            label(3, 1, 8.0),
            prediction(3, 3.0),
            label(2, 0, 200.0),
            label(9, 1, 8.0),
        ];
        let found = account(&happened);
        assert_eq!((found.matched, found.pending, found.late), (2, 1, 1));
        assert_eq!((found.duplicate, found.conflicting, found.repeated), (1, 1, 1));
        let (keys, profiles) = folded(&happened, 100);
        assert_eq!(keys.values().filter(|it| it.is_orphan()).count(), 1);
        let german = Place { window: 0, segment: "country=DE".to_owned() };
        assert_eq!((profiles[&german].n_rows, profiles[&german].account.pending), (1, 1));
    }

    #[test]
    fn keys_of_clients_and_of_types_are_apart() {
        assert_ne!(client_key("a", &json!("5")), client_key("b", &json!("5")));
        assert_ne!(client_key("a", &json!("5")), client_key("a", &json!(5)));
        assert_eq!(client_key("a", &Json::Null), None);
    }

    #[test]
    fn what_cannot_be_counted_is_named() {
        let (frame, columns, cut) = (frame(), columns(), cut());
        let mut fold = Fold::new(&frame, &columns, &cut, BTreeMap::new());
        let record = serde_json::from_value(json!({"key": "k", "outputs": {}})).unwrap();
        fold.add(&Happened { received: 0.0, what: What::Prediction(record) }).unwrap();
        fold.add(&prediction(1, 0.0)).unwrap();
        let wrong = What::Truth { of: ("c".to_owned(), "1".to_owned()), label: json!([]), time: None };
        fold.add(&Happened { received: 1.0, what: wrong }).unwrap();
        let found = fold.finish();
        assert_eq!(found.refused.len(), 2, "{:?}", found.refused);
        assert!(found.refused[0].contains("\"k\"") && found.refused[1].contains('1'), "{:?}", found.refused);
        assert_eq!(found.whole(&frame).unwrap().account.pending, 1);
    }

    fn happened() -> impl Strategy<Value = Happened> {
        let key = 0..6_u8;
        prop_oneof![
            (key.clone(), 0..40_u8).prop_map(|(key, time)| prediction(key, f64::from(time))),
            (key, 0..2_u8, 0..200_u8).prop_map(|(key, it, time)| label(key, it, f64::from(time))),
        ]
    }

    proptest! {
        #[test]
        fn folds_of_any_pieces_find_the_same(all in prop::collection::vec(happened(), 0..40), piece in 1..10_usize) {
            prop_assert_eq!(folded(&all, piece), folded(&all, 100));
        }

        #[test]
        fn what_is_sent_again_at_once_counts_once(all in prop::collection::vec(prediction_of(), 1..20)) {
            let twice: Vec<Happened> = all.iter().flat_map(|it| [it.clone(), it.clone()]).collect();
            prop_assert_eq!(folded(&twice, 7), folded(&all, 100));
        }
    }

    fn prediction_of() -> impl Strategy<Value = Happened> {
        (0..20_u8).prop_map(|key| prediction(key, f64::from(key)))
    }
}
