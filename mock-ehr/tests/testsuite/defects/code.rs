//! Codes: spent once, by their own client, in time.

use jiff::SignedDuration;
use mock_ehr::Defect;

use crate::harness::*;

const APP: &str = "app-public";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let same = |form: Form| form;
    Some(match defect {
        Defect::CodeReplayAccepted => {
            let flow = ehr.code(APP).await;
            assert!(ehr.redeem(&flow, same).await.gives_token());
            ehr.redeem(&flow, same).await.gives_token()
        }
        Defect::CodeReplayDoesNotRevoke => {
            let flow = ehr.code(APP).await;
            let token = ehr.redeem(&flow, same).await.member("access_token");
            ehr.redeem(&flow, same).await;
            ehr.is_alive(&token).await
        }
        Defect::CodeRace => {
            let flow = ehr.code(APP).await;
            let (one, other) = tokio::join!(ehr.redeem(&flow, same), ehr.redeem(&flow, same));
            assert!(one.gives_token() || other.gives_token());
            assert!(
                !ehr.redeem(&flow, same).await.gives_token(),
                "a replay in sequence is refused all the same"
            );
            one.gives_token() && other.gives_token()
        }
        Defect::CodeNeverExpires => {
            let flow = ehr.code(APP).await;
            ehr.mock.advance(SignedDuration::from_secs(61));
            ehr.redeem(&flow, same).await.gives_token()
        }
        Defect::CodeNotBoundToClient => {
            let flow = ehr.code("app-symmetric").await;
            ehr.token("app-symmetric-2", ehr.exchange(&flow)).await.gives_token()
        }
        Defect::CodeNotBoundAcrossKinds => {
            let flow = ehr.code("app-symmetric").await;
            ehr.token(APP, ehr.exchange(&flow).add("client_id", APP))
                .await
                .gives_token()
        }
        Defect::CodeLowEntropy => ehr.code(APP).await.code.len() < 22,
        Defect::CodeContainsState => ehr.code(APP).await.code.contains(STATE),
        Defect::CodeContainsChallenge => ehr.code(APP).await.code.contains(&challenge(VERIFIER)),
        Defect::CodeRepeated => {
            let (one, other) = (ehr.code(APP).await, ehr.code(APP).await);
            assert!(ehr.redeem(&other, same).await.gives_token());
            one.code == other.code
        }
        Defect::CodeMissingAccepted => {
            let flow = ehr.code(APP).await;
            ehr.redeem(&flow, |form| form.omit("code")).await.gives_token()
        }
        Defect::CodeUnknownAccepted => {
            let flow = ehr.code(APP).await;
            ehr.redeem(&flow, |form| form.set("code", "unknown"))
                .await
                .gives_token()
        }
        Defect::CodePrefixMatch => {
            let flow = ehr.code(APP).await;
            let altered = format!("{}AAAA", &flow.code[..flow.code.len() - 4]);
            ehr.redeem(&flow, |form| form.set("code", &altered)).await.gives_token()
        }
        Defect::CodeCaseInsensitive => {
            let flow = ehr.code(APP).await;
            let altered = flow.code.to_ascii_uppercase();
            ehr.redeem(&flow, |form| form.set("code", &altered)).await.gives_token()
        }
        Defect::CodeRevokedByWrongClient => {
            let flow = ehr.code(APP).await;
            ehr.token("app-symmetric", ehr.exchange(&flow).omit("client_id")).await;
            !ehr.redeem(&flow, same).await.gives_token()
        }
        _ => return None,
    })
}

#[tokio::test]
async fn a_wrong_verifier_does_not_spend_the_code() {
    let ehr = TestEhr::new();
    let flow = ehr.code(APP).await;
    let wrong = "y".repeat(50);
    assert_eq!(
        ehr.redeem(&flow, |form| form.set("code_verifier", &wrong))
            .await
            .error(),
        "invalid_grant"
    );
    assert!(ehr.redeem(&flow, |form| form).await.gives_token());
}

#[tokio::test]
async fn of_many_redemptions_at_once_one_succeeds() {
    let ehr = TestEhr::new();
    let flow = ehr.code(APP).await;
    let all = futures::future::join_all((0..8).map(|_| ehr.redeem(&flow, |form| form))).await;
    assert_eq!(all.iter().filter(|answer| answer.gives_token()).count(), 1);
}
