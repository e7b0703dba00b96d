//! What a filter selects, in the database: term by term, page by page, group by group.

use contracts::Timestamp;
use store::Database;
use store::dead_letters::DeadLetter;
use store::letters::{self, Filter, Page};
use testkit::shop::at;

use crate::home::{Home, Sql};
use crate::letters::{letter, park};

/// Five letters that differ in everything that a filter can ask for; their ids are 1 to 5.
async fn with_letters() -> (Home, Database, Sql) {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let orders = DeadLetter {
        source_queue: "orderflow.order-created",
        event_type: "shop.order.created.v1",
        ..letter("/shop e-1", "invalid-amount", at("12:00:00"))
    };
    let panic = DeadLetter {
        error_class: "panic",
        error_detail: Some("a rule PANICKED over 100 %"),
        fingerprint: &[8; 32],
        worker_version: Some("0.2.0"),
        order_id: Some("00000007-0001-7000-8000-000000000000"),
        attempts: 9,
        ..letter("/shop e-2", "panic", at("13:00:00"))
    };
    let of_other_shop = letter("/other e_3", "invalid-amount", at("14:00:00"));
    let replayed = letter("/shop e-4", "invalid-time", at("15:00:00"));
    let archived = letter("/shop e-5", "invalid-time", at("16:00:00"));
    for one in [orders, panic, of_other_shop, replayed, archived] {
        park(&mut database, &[one]).await.unwrap();
    }
    let call = r#"SELECT * FROM replay_start('ann', 'mended', '{"id": [4]}', 'id=4', NULL, 10, 10,
        0, 20, 20, 10, NULL, false, NULL)"#;
    sql.run(call).await;
    let call = r#"SELECT dlq_archive('ann', 'a test', 'other', '{"id": [5]}', 'id=5', NULL)"#;
    sql.run(call).await;
    (home, database, sql)
}

/// The ids that a filter selects at half past four, the oldest first.
async fn selected(database: &mut Database, filter: &str) -> Vec<i64> {
    let filter: Filter = filter.parse().unwrap();
    let compiled = filter.compile(at("16:30:00"));
    let page = Page { before: None, limit: 100 };
    let mut ids: Vec<i64> = letters::list(database, &compiled, page)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    let counted = letters::count(database, &compiled).await.unwrap();
    assert_eq!(counted, i64::try_from(ids.len()).unwrap(), "{filter}");
    ids.reverse();
    ids
}

#[tokio::test]
async fn each_term_selects_what_it_says() {
    let (_home, mut database, _sql) = with_letters().await;
    for (filter, expected) in [
        ("", &[1, 2, 3, 4, 5][..]),
        ("queue=orderflow.order-created", &[1]),
        ("queue=*.payment-*", &[2, 3, 4, 5]),
        ("queue!=orderflow.order-created", &[2, 3, 4, 5]),
        ("type=shop.order.*", &[1]),
        ("order=00000007-0001-7000-8000-000000000000", &[2]),
        ("class=panic", &[2]),
        ("code=invalid-*", &[1, 3, 4, 5]),
        ("code=panic,invalid-time", &[2, 4, 5]),
        ("code!=panic,invalid-time", &[1, 3]),
        // An underscore is itself, and stands for nothing else.
        ("key=\"/other e_3\"", &[3]),
        ("key=\"/shop e_1\"", &[]),
        ("build=0.2.*", &[2]),
        ("group=08080808", &[2]),
        ("group=0707,0808", &[1, 2, 3, 4, 5]),
        ("status=parked", &[1, 2, 3]),
        ("status=claimed", &[4]),
        ("status=sent", &[]),
        ("status=archived", &[5]),
        ("status!=parked", &[4, 5]),
        ("id=2,3,99", &[2, 3]),
        ("batch=1", &[4]),
        ("batch=2", &[]),
        ("attempts>3", &[2]),
        ("attempts<=3", &[1, 3, 4, 5]),
        ("replays=0", &[1, 2, 3, 5]),
        ("replays>=1", &[4]),
        ("age>2h", &[1, 2, 3]),
        ("age<2h", &[4, 5]),
        ("first-age>3h", &[1, 2]),
        ("text~\"rule panicked\"", &[2]),
        ("text~100", &[2]),
        ("text!~invalid", &[2]),
        ("code=invalid-* status=parked age>3h", &[1]),
    ] {
        assert_eq!(selected(&mut database, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_the_database_does_not_know_is_refused() {
    let (_home, _database, mut sql) = with_letters().await;
    for filter in [
        r#"{"qeue": ["x"]}"#,
        r#"{"not": {"qeue": ["x"]}}"#,
        r#"{"since": "yesterday evening"}"#,
        r#"{"min_attempts": "many"}"#,
        r#"{"changed_since": "a while ago"}"#,
        r#"{"id": ["seven"]}"#,
        r#"{"id": 7}"#,
        r#"{"id": [[7]]}"#,
        r#"{"batch": ["99999999999999999999"]}"#,
        r#"{"code": "panic"}"#,
        r#"{"not": {"batch": ["x"]}}"#,
        r#"["panic"]"#,
    ] {
        let call = format!("SELECT dead_letters_matching('{filter}')");
        sql.refused_with("OF007", &call).await;
    }
}

#[tokio::test]
async fn pages_hold_every_letter_once_whatever_comes_meanwhile() {
    let home = Home::new().await;
    let mut database = home.connect().await;
    let keys: Vec<String> = (0..25).map(|number| format!("/shop e-{number}")).collect();
    let of = |key| letter(key, "panic", at("12:00:00"));
    park(&mut database, &keys[..20].iter().map(|key| of(key)).collect::<Vec<_>>()).await.unwrap();
    let filter = Filter::default().compile(at("16:30:00"));
    let (mut seen, mut before, mut late) = (Vec::new(), None, keys[20..].iter());
    loop {
        let page = Page { before, limit: 6 };
        let rows = letters::list(&mut database, &filter, page).await.unwrap();
        let Some(last) = rows.last() else { break };
        before = Some(last.id);
        seen.extend(rows.iter().map(|row| row.message_key.clone()));
        // What comes between two pages is newer than both.
        if let Some(key) = late.next() {
            park(&mut database, &[of(key)]).await.unwrap();
        }
    }
    let mut expected: Vec<String> = keys[..20].to_vec();
    expected.reverse();
    seen.sort_by_key(|key| std::cmp::Reverse(number(key)));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn pages_are_parts_of_the_whole_list_the_newest_first() {
    let (_home, mut database, mut sql) = with_letters().await;
    // Some are being replayed, put aside or done with, and most match no filter on codes.
    let keys: Vec<String> = (6..=25).map(|number| format!("/shop e-{number:02}")).collect();
    let code = |index| if index % 3 == 0 { "invalid-time" } else { "panic" };
    let of = |(index, key)| letter(key, code(index), at("12:00:00"));
    let more: Vec<_> = keys.iter().map(String::as_str).enumerate().map(of).collect();
    park(&mut database, &more).await.unwrap();
    sql.run("UPDATE dead_letters SET status = 'resolved' WHERE id IN (9, 12)").await;
    for (filter, all) in [
        ("", (1..=25).rev().collect::<Vec<_>>()),
        ("code=invalid-time", vec![24, 21, 18, 15, 12, 9, 6, 5, 4]),
        ("code=invalid-time status=parked", vec![24, 21, 18, 15, 6]),
        ("status=claimed", vec![4]),
        ("code=none", vec![]),
    ] {
        let filter = filter.parse::<Filter>().unwrap().compile(at("16:30:00"));
        for limit in [1, 4, 100] {
            let (mut pages, mut before) = (Vec::new(), None);
            loop {
                let page = Page { before, limit };
                let rows = letters::list(&mut database, &filter, page).await.unwrap();
                let Some(last) = rows.last() else { break };
                before = Some(last.id);
                pages.push(rows.iter().map(|row| row.id).collect::<Vec<_>>());
            }
            let size = usize::try_from(limit).unwrap();
            let expected: Vec<_> = all.chunks(size).map(<[i64]>::to_vec).collect();
            assert_eq!(pages, expected, "{}", filter.text());
        }
    }
}

#[tokio::test]
async fn what_changed_is_what_came_failed_or_was_acted_on() {
    let (_home, mut database, mut sql) = with_letters().await;
    sql.run("UPDATE dead_letters SET status_changed_at = '2026-03-01T12:00:00Z'").await;
    sql.run("UPDATE dead_letters SET status_changed_at = '2026-03-02T12:00:00Z' WHERE id = 2")
        .await;
    sql.run(
        "UPDATE dead_letters SET status_changed_at = '2026-03-02T11:00:00Z' WHERE id IN (3, 5)",
    )
    .await;
    let mut changed = async |filter: &str, since: &str, limit: i64| {
        let filter = filter.parse::<Filter>().unwrap().compile(at("16:30:00"));
        let since = since.parse().unwrap();
        let rows = letters::changed_since(&mut database, &filter, since, limit).await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(changed("", "2026-03-02T11:00:00Z", 9).await, [3, 5, 2]);
    assert_eq!(changed("", "2026-03-02T11:00:00Z", 2).await, [3, 5]);
    assert_eq!(changed("", "2026-03-02T11:00:00.001Z", 9).await, [2]);
    assert_eq!(changed("status=archived", "2026-03-01T00:00:00Z", 9).await, [5]);
}

fn number(key: &str) -> u32 {
    key.rsplit('-').next().unwrap().parse().unwrap()
}

/// A failure of a group with these words in common.
fn failure<'a>(
    key: &'a str,
    fingerprint: &'a [u8; 32],
    detail: &'a str,
    failed_at: Timestamp,
) -> DeadLetter<'a> {
    let detail_pattern = "order # has no total";
    let error_detail = Some(detail);
    DeadLetter { fingerprint, error_detail, detail_pattern, ..letter(key, "panic", failed_at) }
}

#[tokio::test]
async fn like_failures_are_one_group_with_what_they_have_in_common() {
    let home = Home::new().await;
    let (mut database, mut sql) = (home.connect().await, home.sql().await);
    let (one, other) = ([1; 32], [2; 32]);
    park(
        &mut database,
        &[
            failure("a", &one, "order 17 has no total", at("12:00:00")),
            failure("b", &one, "order 18 has no total", at("13:00:00")),
            failure("c", &other, "order 19 has no total", at("14:00:00")),
        ],
    )
    .await
    .unwrap();
    let mut groups = async |filter: &str| {
        let filter = filter.parse::<Filter>().unwrap().compile(at("16:30:00"));
        let groups = letters::groups(&mut database, &filter, 10).await.unwrap();
        let groups = groups.into_iter().map(|it| (it.detail_pattern, it.matching, it.parked));
        groups.collect::<Vec<_>>()
    };
    let pattern = "order # has no total".to_owned();
    // The largest first, and of each how many match beside how many there are.
    assert_eq!(groups("").await, [(pattern.clone(), 2, 2), (pattern.clone(), 1, 1)]);
    assert_eq!(groups("text~18").await, [(pattern.clone(), 1, 2)]);
    assert_eq!(groups("code=none").await, []);
    let call = r#"SELECT dlq_archive('ann', 'a test', 'other', '{"id": [1]}', 'id=1', NULL)"#;
    sql.run(call).await;
    assert_eq!(groups("group=0101").await, [(pattern, 2, 1)]);
}
