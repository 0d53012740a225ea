//! `rollbook migrate`

use super::{Result, StoreArguments, print};
use postgres::citus;
use stores::database::Database;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Distribute the growing tables with Citus, see docs/scaling.md
    #[arg(long)]
    citus: bool,
}

pub async fn run(arguments: Arguments) -> Result {
    if arguments.citus {
        return distribute(&arguments.store).await;
    }
    // Whoever opens a store brings it to the present schema.
    arguments.store.open().await?;
    print("The store has the present schema.");
    Ok(())
}

async fn distribute(store: &StoreArguments) -> Result {
    let Database::Postgres(address) = store.settings()?.database else {
        return Err("--citus is for a store on PostgreSQL".to_owned());
    };
    let statements = citus::distribute(&address).await.map_err(|error| error.summary())?;
    for statement in &statements {
        print(&format!("{statement};"));
    }
    print(match statements.len() {
        0 => "The store has the present schema, and all its tables are distributed.",
        _ => "The store has the present schema, and its tables are distributed.",
    });
    Ok(())
}
