//! A correct request that was refused: one verdict of its own, named by all that hang on it.

use reports::model::{Level, Status};

use super::events::{Event, Judged};
use super::run::Run;
use crate::scenario::Step;
use crate::scenario::model::{LaunchKind, Scenario};
use crate::step::Halt;
use crate::step::arguments::Method;
use crate::target::{Client, ClientKind};

impl Run<'_> {
    /// A correct request that was refused has one verdict of its own; what hangs on it names that.
    pub(super) fn blame(&mut self, client: Option<&Client>, scenario: &Scenario, halt: Halt) -> Halt {
        let Halt::Blocked(why) = halt else { return halt };
        // What a client may ask for beyond its own scopes is the server's choice, and no request of ours is wrong by it.
        if let Some(scope) = &scenario.with.scope
            && why.contains("`invalid_scope`")
        {
            return Halt::Skip(format!("the server does not grant `{scope}`: {why}"));
        }
        let name = client.map_or("none", |client| client.name.as_str());
        let launch = match scenario.with.launch {
            LaunchKind::Standalone => "standalone",
            LaunchKind::Ehr => "ehr",
        };
        let by_post = scenario.when.iter().any(|step| match step {
            Step::Authorize(args) => args.method == Method::Post,
            Step::Flow(args) => args.authorize.method == Method::Post,
            _ => false,
        });
        let backend = client.is_some_and(|client| client.kind == ClientKind::Backend);
        let launch = if backend {
            "backend".to_owned()
        } else if by_post {
            format!("{launch}_post")
        } else {
            launch.to_owned()
        };
        let id = format!("control/{launch}#{name}");
        if !self.failed_controls.contains_key(&id) {
            self.failed_controls.insert(id.clone(), why.clone());
            self.listener.on(&Event::ControlFailed {
                id: id.clone(),
                reason: why.clone(),
            });
            let judged = Judged {
                id: id.clone(),
                scenario: format!("control/{launch}"),
                case: Some(name.to_owned()),
                client: None,
                level: Level::Shall,
                status: Status::Error,
                holds: None,
                reason: Some(format!(
                    "{why}. Either the server refuses a correct request, or the profile does not fit it: look at \
                     client `{name}` in the profile, and at the exchanges below"
                )),
                expected: None,
                observed: None,
                evidence: self.last_exchanges(),
                screenshot: None,
                duration_ms: 0,
            };
            self.finish(judged);
        }
        Halt::Blocked(format!("blocked by {id}: {why}"))
    }

    fn last_exchanges(&self) -> Vec<usize> {
        let count = self.world.recorder.count();
        (count.saturating_sub(6)..count).collect()
    }
}
