//! What holds of any alarm, request and delivery: an id depends on the occurrence alone, what was signed is
//! believed and what was changed is not, events keep their distance, and every delivery ends.

#![cfg(test)]

use alerts::{
    Alarm, Answer, Cooldown, Delivery, Error, Header, Occurrence, Secrets, State, TOLERANCE, Watch, headers,
    verify,
};
use evaluation::{Finding, Judgement};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

const DAY: i64 = 86_400;

fn finding(subject: &str, text: &str, since: Option<String>) -> Finding {
    Finding { judgement: Judgement::Worse, subject: subject.to_owned(), text: text.to_owned(), since }
}

fn occurrence((episode, repeat, began, at): (u64, u64, i64, i64)) -> Occurrence {
    Occurrence { episode, repeat, began, at }
}

fn id(model: &str, subject: &str, since: Option<&str>, numbers: (u64, u64, i64, i64)) -> String {
    let finding = finding(subject, "", since.map(str::to_owned));
    Alarm::new(model, &finding, occurrence(numbers), Value::Null).id
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (0u16..700, any::<Option<u64>>())
            .prop_map(|(status, retry_after)| Answer::Status { status, retry_after }),
        ".*".prop_map(|reason| Answer::Failed { reason }),
    ]
}

/// An answer after which an event is tried again.
fn failure() -> impl Strategy<Value = Answer> {
    (500u16..600, any::<Option<u64>>())
        .prop_map(|(status, retry_after)| Answer::Status { status, retry_after })
}

fn request(secrets: &Secrets, id: &str, timestamp: i64, body: &[u8]) -> Vec<Header> {
    headers(secrets, id, timestamp, body).unwrap()
}

fn is_success(answer: &Answer) -> bool {
    matches!(answer, Answer::Status { status: 200..300, .. })
}

proptest! {
    #[test]
    fn an_id_depends_on_the_occurrence_alone(
        model in ".*", subject in ".*", since in ".*", numbers: (u64, u64, i64, i64), at: i64, began: i64,
        text in ".*", evidence in ".*",
    ) {
        let known = id(&model, &subject, Some(&since), numbers);
        let finding = finding(&subject, &text, Some(since));
        let again = occurrence((numbers.0, numbers.1, began, at));
        prop_assert_eq!(Alarm::new(&model, &finding, again, Value::String(evidence)).id, known);
    }

    #[test]
    fn an_id_differs_with_each_part_of_the_occurrence(
        parts: (String, String, String), others: (String, String, String), numbers: (u64, u64, i64, i64),
        other: u64, other_began: i64,
    ) {
        let (episode, repeat, began, at) = numbers;
        let (model, subject, since) = &parts;
        let known = id(model, subject, Some(since), numbers);
        prop_assert_eq!(id(&others.0, subject, Some(since), numbers) == known, others.0 == *model);
        prop_assert_eq!(id(model, &others.1, Some(since), numbers) == known, others.1 == *subject);
        prop_assert_eq!(id(model, subject, Some(&others.2), numbers) == known, others.2 == *since);
        let numbered = |episode, repeat| id(model, subject, Some(since), (episode, repeat, began, at));
        prop_assert_eq!(numbered(other, repeat) == known, other == episode);
        prop_assert_eq!(numbered(episode, other) == known, other == repeat);
        let (first, second) = (id(model, subject, None, numbers), (episode, repeat, other_began, at));
        prop_assert_eq!(id(model, subject, None, second) == first, other_began == began);
        prop_assert_ne!(first, known);
    }

    #[test]
    fn what_was_signed_is_believed(
        secret in "[!-~]{1,80}( [!-~]{1,80})?", id in "[!-\\-/-~]{1,80}", at in 0..4_000_000_000i64,
        body: Vec<u8>, skew in -300..=300i64,
    ) {
        prop_assume!(!secret.contains("whsec_"));
        let secrets: Secrets = secret.parse().unwrap();
        let headers = request(&secrets, &id, at, &body);
        prop_assert_eq!(verify(&secrets, &headers, &body, at + skew, TOLERANCE), Ok(()));
    }

    #[test]
    fn what_was_changed_is_not_believed(
        body in vec(any::<u8>(), 1..200), idx: prop::sample::Index, bit in 0..8u32, header in 1..4usize,
        at in 1_000_000_000..4_000_000_000i64,
    ) {
        let secrets: Secrets = "a-secret".parse().unwrap();
        let headers = request(&secrets, "alarm_1", at, &body);
        let mut changed = body.clone();
        changed[idx.index(body.len())] ^= 1 << bit;
        let verified = |headers: &[Header], body: &[u8]| verify(&secrets, headers, body, at, TOLERANCE);
        prop_assert_eq!(verified(&headers, &changed), Err(Error::Signature));
        let mut headers = headers;
        let value = &mut headers[header].1;
        let place = idx.index(value.trim_end_matches('=').len());
        value.replace_range(place..=place, if value[place..].starts_with('7') { "8" } else { "7" });
        prop_assert!(verified(&headers, &body).is_err());
    }

    #[test]
    fn a_secret_believes_no_other(one in "[a-z]{1,100}", other in "[a-z]{1,100}", body: Vec<u8>) {
        prop_assume!(one != other);
        let headers = request(&one.parse().unwrap(), "alarm_1", 0, &body);
        let verified = verify(&other.parse().unwrap(), &headers, &body, 0, 0);
        prop_assert_eq!(verified, Err(Error::Signature));
    }

    #[test]
    fn anything_may_be_a_secret_or_a_header(
        secret in ".*", values in [".*", ".*", ".*"], body: Vec<u8>, now: i64, tolerance: u64,
    ) {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers: Vec<(&str, String)> = names.into_iter().zip(values).collect();
        if let Ok(secrets) = secret.parse::<Secrets>() {
            prop_assert!(verify(&secrets, &headers, &body, now, tolerance).is_err());
        }
    }

    #[test]
    fn while_it_goes_on_events_keep_their_distance(
        steps in vec((0..100u64, prop::bool::weighted(0.9)), 0..200), cooldown in 0..300u64,
    ) {
        let (mut watch, mut now, mut last): (Watch, i64, Option<Occurrence>) = (Watch::default(), 0, None);
        for (step, is_present) in steps {
            now = now.saturating_add_unsigned(step);
            if !is_present {
                watch.absent();
                continue;
            }
            let is_going_on = watch.current.is_some();
            let raised = watch.present(now, Cooldown(cooldown));
            let waited = last.map_or(u64::MAX, |last| now.abs_diff(last.at));
            prop_assert_eq!(raised.is_some(), !is_going_on || waited >= cooldown);
            let differs = |raised: Occurrence| {
                last.is_none_or(|last| (last.episode, last.repeat) < (raised.episode, raised.repeat))
            };
            prop_assert!(raised.is_none_or(differs));
            last = raised.or(last);
        }
    }

    #[test]
    fn every_delivery_ends(id in ".*", answers in vec(answer(), 10), start in 0..4_000_000_000i64) {
        let mut delivery = Delivery::new(&id, start);
        let mut answers = answers.into_iter();
        let mut last = None;
        while let Some(at) = delivery.next_attempt() {
            let answer = answers.next().unwrap();
            delivery.record(answer.clone(), at);
            let next = delivery.next_attempt().unwrap_or(at + 1);
            prop_assert!(at < next && next <= at + DAY + DAY / 5);
            last = Some(answer);
        }
        prop_assert_eq!(&delivery.last, &last);
        let is_delivered = matches!(delivery.state, State::Delivered { .. });
        prop_assert_eq!(is_delivered, last.as_ref().is_some_and(is_success));
    }

    #[test]
    fn a_delivery_goes_on_where_it_was_stored(
        answers in vec(failure(), 0..12), next in answer(), any_time: i64,
    ) {
        let mut delivery = Delivery::new("alarm_1", 0);
        for answer in answers {
            delivery.record(answer, any_time);
        }
        let stored = serde_json::to_string(&delivery).unwrap();
        let mut read: Delivery = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(&read, &delivery);
        read.record(next.clone(), any_time);
        delivery.record(next, any_time);
        prop_assert_eq!(read, delivery);
    }
}
