use broker::{HeaderValue, Headers, Properties};

use crate::stage::{Stage, all_confirmed, next};

fn one_of_each() -> Headers {
    let nested = Headers::from_iter([("inner".to_owned(), HeaderValue::Bool(false))]);
    let values = [
        ("bool", HeaderValue::Bool(true)),
        ("i8", HeaderValue::I8(i8::MIN)),
        ("u8", HeaderValue::U8(u8::MAX)),
        ("i16", HeaderValue::I16(i16::MIN)),
        ("u16", HeaderValue::U16(u16::MAX)),
        ("i32", HeaderValue::I32(i32::MIN)),
        ("u32", HeaderValue::U32(u32::MAX)),
        ("i64", HeaderValue::I64(i64::MIN)),
        ("f32", HeaderValue::F32(0.1)),
        ("f64", HeaderValue::F64(f64::MIN_POSITIVE)),
        ("decimal", HeaderValue::Decimal { scale: 2, value: 1999 }),
        ("text", HeaderValue::from("Grüße")),
        ("raw text", HeaderValue::RawText(vec![0xff, 0x00, 0xfe])),
        ("bytes", HeaderValue::Bytes(b"plain".to_vec())),
        ("timestamp", HeaderValue::Timestamp(1_790_000_000)),
        ("list", HeaderValue::List(vec![HeaderValue::Void, 7.into(), "seven".into()])),
        ("table", HeaderValue::Table(nested)),
        ("void", HeaderValue::Void),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[tokio::test]
async fn every_property_and_header_type_arrives_as_it_was_sent() {
    let stage = Stage::set().await;
    let properties = Properties {
        message_id: Some("m-1".to_owned()),
        content_type: Some("application/json".to_owned()),
        content_encoding: Some("identity".to_owned()),
        type_name: Some("payment.attempted".to_owned()),
        app_id: Some("shop".to_owned()),
        correlation_id: Some("order-1".to_owned()),
        timestamp: Some(1_790_000_000),
        headers: one_of_each(),
    };
    let mut publication = stage.to_queue("m-1");
    publication.properties = properties.clone();
    publication.body = vec![0, 0xff, b'{'];
    all_confirmed(&stage.publisher().await, vec![publication]).await;

    let delivery = next(&mut stage.consumer(&stage.queue()).await).await;
    assert_eq!(delivery.properties, properties);
    assert_eq!(delivery.body, [0, 0xff, b'{']);
    assert!(!delivery.redelivered);
    assert_eq!(delivery.delivery_count, 0);

    let json = serde_json::to_string(&delivery.properties).unwrap();
    assert_eq!(serde_json::from_str::<Properties>(&json).unwrap(), properties);
}
