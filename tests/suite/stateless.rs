//! A response depends on nothing but its request.

use std::sync::atomic::{AtomicUsize, Ordering};

use system_tests::answer::{Answer, Question};
use system_tests::case::{Case, cases};
use system_tests::runtimes::{Client, Embedded};

const N_REQUESTS: usize = 200;
const N_AT_ONCE: usize = 16;

#[test]
fn two_hundred_mixed_requests_are_answered_alike_in_any_order_and_company() {
    let server = Embedded::demo();
    let questions = mixed_questions();
    let client = server.client();
    let one_by_one: Vec<Answer> = questions.iter().map(|question| client.ask(question)).collect();
    let in_order: Vec<usize> = (0..N_REQUESTS).collect();
    assert_same(&one_by_one, &at_once(&client, &questions, &in_order), "16 at once");
    let shuffled: Vec<usize> = (0..N_REQUESTS).map(|idx| (idx * 73 + 11) % N_REQUESTS).collect();
    assert_same(&one_by_one, &at_once(&client, &questions, &shuffled), "shuffled");
}

/// Good and bad requests of all golden cases but the largest and those whose answers are new each time, cycled.
fn mixed_questions() -> Vec<Question> {
    let is_asked = |case: &Case| case.question.body.len() < 1 << 20 && !case.generated_keys;
    let questions: Vec<Question> =
        cases("predict").into_iter().filter(is_asked).map(|case| case.question).collect();
    questions.iter().cycle().take(N_REQUESTS).cloned().collect()
}

/// The answers by question, asked in `order` by several threads.
fn at_once(client: &Client, questions: &[Question], order: &[usize]) -> Vec<Answer> {
    let next = AtomicUsize::new(0);
    let ask_in_turn = || {
        let mut answers = Vec::new();
        while let Some(&question_idx) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            answers.push((question_idx, client.ask(&questions[question_idx])));
        }
        answers
    };
    let mut answers: Vec<(usize, Answer)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..N_AT_ONCE).map(|_| scope.spawn(ask_in_turn)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("every request is answered")).collect()
    });
    answers.sort_by_key(|(question_idx, _)| *question_idx);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn assert_same(expected: &[Answer], found: &[Answer], how: &str) {
    assert_eq!(expected.len(), found.len(), "{how}");
    for (request_idx, (expected, found)) in expected.iter().zip(found).enumerate() {
        assert_eq!(expected, found, "{how}: request {request_idx}");
    }
}
