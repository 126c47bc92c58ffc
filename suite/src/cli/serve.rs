//! `launchproof serve`: the mock EHR.

use clap::Args;
use reports::exit;

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    mock: mock_ehr::serve::ServeArgs,
}

pub(super) async fn run(arguments: ServeArguments) -> Result<u8, Failure> {
    mock_ehr::serve::run(arguments.mock).await.map_err(Failure::input)?;
    Ok(exit::NOTHING_UNEXPECTED)
}
