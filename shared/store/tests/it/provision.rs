//! Databases made and dropped as a whole.

use store::Database;
use store::provision::{DatabaseName, create_database, drop_database};

use crate::home::Home;

#[tokio::test]
async fn a_database_is_made_once_and_dropped_even_while_it_is_used() {
    let home = Home::empty().await;
    let (server, mut sql) = (home.config(), home.sql().await);
    // Named after the test's own, so that no other test has it.
    let own = sql.texts("SELECT current_database()").await.remove(0);
    let name = DatabaseName::new(format!("{own}_made")).unwrap();
    create_database(&server, &name).await.unwrap();
    let taken = create_database(&server, &name).await.unwrap_err();
    assert_eq!(taken.to_string(), "failed to create a database");

    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", name.as_str());
    assert_eq!(sql.count(&there).await, 1);
    let inside = Database::connect(&server).await.unwrap();
    drop_database(&server, &name).await.unwrap();
    assert_eq!(sql.count(&there).await, 0);
    drop_database(&server, &name).await.unwrap();
    drop(inside);
}
