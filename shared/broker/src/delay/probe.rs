//! Finds out whether the broker has the delay plugin.

use lapin::{ErrorKind, ExchangeKind, options::ExchangeDeclareOptions, types::FieldTable};
use tracing::info;

use crate::{
    AmqpConfig, Error,
    delay::{DelayChoice, DelayProvider, PLUGIN_TYPE},
    session::{self, within},
};

/// What delays timers on this broker, and why.
///
/// [`DelayChoice::Ladder`] asks the broker nothing; [`DelayChoice::Plugin`] fails with
/// [`Error::DelayPluginMissing`] when the broker has no such plugin.
pub async fn probe(
    config: &AmqpConfig,
    choice: DelayChoice,
) -> Result<(DelayProvider, String), Error> {
    let (provider, why) = match choice {
        DelayChoice::Ladder => (DelayProvider::Ladder, "it was asked for"),
        DelayChoice::Plugin if knows_exchange_type(config, PLUGIN_TYPE).await? => {
            (DelayProvider::Plugin, "it was asked for and the broker has the plugin")
        }
        DelayChoice::Plugin => return Err(Error::DelayPluginMissing),
        DelayChoice::Auto if knows_exchange_type(config, PLUGIN_TYPE).await? => {
            (DelayProvider::Plugin, "the broker has exchange type x-delayed-message")
        }
        DelayChoice::Auto => {
            (DelayProvider::Ladder, "the broker has no exchange type x-delayed-message")
        }
    };
    info!(provider = provider.as_str(), why, "chose what delays timers");
    Ok((provider, why.to_owned()))
}

/// Whether the broker can make exchanges of a type.
///
/// Declares the default exchange with that type, which creates nothing and needs no permission:
/// the broker first looks the type up; if it is unknown, it closes the connection before 4.0 and
/// the channel from 4.0 on, hence a connection of its own. Then it refuses to touch the default
/// exchange.
pub async fn knows_exchange_type(config: &AmqpConfig, kind: &str) -> Result<bool, Error> {
    let connection = session::connect(config, "probe").await?;
    let limit = config.operation_timeout;
    let declare = async {
        let channel = connection.create_channel().await?;
        let kind = ExchangeKind::Custom(kind.to_owned());
        let options = ExchangeDeclareOptions::default();
        let declared =
            channel.exchange_declare("".into(), kind, options, FieldTable::default()).await;
        read(declared)
    };
    let known = within("probe the exchange types", limit, declare).await;
    session::close(&connection, limit).await;
    known
}

fn read(declared: lapin::Result<()>) -> lapin::Result<bool> {
    // The answers to an unknown type, before 4.0 and from 4.0 on.
    const COMMAND_INVALID: u16 = 503;
    const PRECONDITION_FAILED: u16 = 406;
    const ACCESS_REFUSED: u16 = 403;
    match declared {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::ProtocolError(answer) if answer.get_id() == ACCESS_REFUSED => Ok(true),
            ErrorKind::ProtocolError(answer)
                if matches!(answer.get_id(), COMMAND_INVALID | PRECONDITION_FAILED) =>
            {
                Ok(false)
            }
            _ => Err(error),
        },
    }
}
