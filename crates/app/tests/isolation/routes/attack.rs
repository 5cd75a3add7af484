//! One tenant against another: everything that one operation can be asked by.

use serde_json::json;
use sqlx::PgConnection;
use testkit::{Answer, FIXTURES, PUBLIC, Session};

use crate::{
    document::{Needs, Operation},
    known,
    ledger::{Bookkeeper, changed},
    scene::{NOTHING, Name, Request, Scene, of_list},
};
/// One tenant against another.
pub(super) struct Attack {
    pub(super) scene: Scene,
    pub(super) attacker: Session,
    pub(super) victim: Session,
    /// The victim's own host, if it has one that is no other's.
    pub(super) host: Option<String>,
    /// How many answers were looked at.
    pub(super) looked_at: usize,
    pub(super) failures: Vec<String>,
}

impl Attack {
    /// Puts an answer on record that is not as it must be.
    fn demand(&mut self, crime: &str, of: &Operation, holds: bool, answer: &Answer) {
        self.looked_at += 1;
        if !holds {
            let (status, text) = (answer.status, &answer.text);
            self.failures
                .push(format!("{}: {crime}: {status} {text}", of.name()));
        }
    }

    fn demand_problem(
        &mut self,
        crime: &str,
        of: &Operation,
        wanted: (u16, &str),
        answer: &Answer,
    ) {
        let holds = (answer.status, answer.error()) == (wanted.0, Some(wanted.1));
        self.demand(crime, of, holds, answer);
    }

    /// Sends two requests that differ in one value, and demands one answer to both.
    async fn one_answer(
        &mut self,
        crime: &str,
        (to_theirs, theirs): (&Request, &str),
        (to_nothing, nothing): (&Request, &str),
    ) -> Answer {
        let attacker = Name::of(&self.attacker);
        let about_theirs = self.scene.send(to_theirs, attacker).await;
        let about_nothing = self.scene.send(to_nothing, attacker).await;
        let is_one = without(&about_theirs, theirs) == without(&about_nothing, nothing);
        let crime = format!("{crime}, other than nothing ({})", about_nothing.text);
        self.demand(&crime, &to_theirs.operation, is_one, &about_theirs);
        about_theirs
    }

    /// The victim's whole request, in the attacker's name.
    async fn names(&mut self, theirs: &Request) {
        let of = &theirs.operation;
        let (attacker, victim) = (self.attacker.clone(), self.victim.clone());
        let none = self.scene.send(
            theirs,
            Name {
                slug: Some(&victim.tenant),
                ..Name::default()
            },
        );
        let none = none.await;
        self.demand_problem("no token", of, (401, "unauthenticated"), &none);
        let header = Name {
            slug: Some(&victim.tenant),
            ..Name::of(&attacker)
        };
        let answer = self.scene.send(theirs, header).await;
        self.demand_problem("a token of another", of, (403, "tenant_mismatch"), &answer);
        if let Some(host) = self.host.clone() {
            let by_host = Name {
                slug: None,
                host: Some(&host),
                session: Some(&attacker),
            };
            let answer = self.scene.send(theirs, by_host).await;
            self.demand_problem("its host", of, (403, "tenant_mismatch"), &answer);
            let by_both = Name {
                host: Some(&host),
                ..Name::of(&attacker)
            };
            let answer = self.scene.send(theirs, by_both).await;
            self.demand_problem("two names", of, (400, "tenant_ambiguous"), &answer);
        }
    }

    /// The victim's ids in the path, each and all of them, with the version that the victim knows.
    async fn path_ids(&mut self, theirs: &Request, own: &Request) {
        for at in 0..=own.ids.len() {
            let (mut foreign, mut nothing) = (theirs.clone(), theirs.clone());
            if at < own.ids.len() {
                foreign.ids.clone_from(&own.ids);
                foreign.ids[at].clone_from(&theirs.ids[at]);
                nothing.ids.clone_from(&own.ids);
                NOTHING.clone_into(&mut nothing.ids[at]);
            } else if own.ids.len() < 2 {
                continue;
            } else {
                nothing.ids = vec![NOTHING.to_owned(); own.ids.len()];
            }
            let (id, none) = (theirs.ids[at.min(theirs.ids.len() - 1)].clone(), NOTHING);
            let answer = self
                .one_answer("an id in the path", (&foreign, &id), (&nothing, none))
                .await;
            self.demand_problem(
                "an id in the path",
                &own.operation,
                (404, "not_found"),
                &answer,
            );
        }
    }

    /// A list that each look at it makes longer, as it is now.
    async fn up_to_now(&mut self, own: &Request) -> Request {
        let mut known = known::GROWING.iter();
        let Some((_, before)) = known.find(|(list, _)| *list == own.operation.template) else {
            return own.clone();
        };
        let attacker = self.attacker.clone();
        let newest = self.scene.send(own, Name::of(&attacker)).await;
        let now = newest.body["data"][0]["at"].as_str().unwrap().to_owned();
        own.clone().with_query(before, &now)
    }

    /// The victim's ids in the query, one at a time.
    async fn query_ids(&mut self, own: &Request) {
        let own = &self.up_to_now(own).await;
        for parameter in &own.operation.parameters {
            let subject = parameter.subject();
            let Some(collection) = known::refers_to(&own.operation.template, subject) else {
                continue;
            };
            if parameter.place != "query" {
                continue;
            }
            let id = self.scene.thing(collection, &[], &self.victim).await;
            let foreign = own.clone().with_query(&parameter.name, &id);
            let nothing = own.clone().with_query(&parameter.name, NOTHING);
            let crime = format!("{} in the query", parameter.name);
            self.one_answer(&crime, (&foreign, &id), (&nothing, NOTHING))
                .await;
        }
    }

    /// The victim's ids in the body, one at a time.
    async fn body_ids(&mut self, own: &Request) {
        for field in own.operation.fields() {
            let Some(collection) = field.refers_to(&own.operation) else {
                continue;
            };
            let id = self.scene.thing(collection, &[], &self.victim).await;
            let with = |id: &str| {
                own.clone()
                    .with_field(&field.pointer, of_list(field.is_list, id))
            };
            let crime = format!("{} in the body", field.pointer);
            let answer = self
                .one_answer(&crime, (&with(&id), &id), (&with(NOTHING), NOTHING))
                .await;
            let is_refused = answer.status >= 400;
            self.demand(&crime, &own.operation, is_refused, &answer);

            // The same reference, to a thing of one's own, is accepted.
            let theirs = self.scene.request(&own.operation, &self.victim).await;
            let id = self.scene.thing(collection, &[], &self.victim).await;
            let theirs = theirs.with_field(&field.pointer, of_list(field.is_list, &id));
            let answer = self.scene.send(&theirs, Name::of(&self.victim)).await;
            self.demand(
                &format!("{crime}, of its own"),
                &own.operation,
                answer.status < 300,
                &answer,
            );
        }
    }

    /// The victim's cursor, on its path and on the attacker's.
    async fn cursor(&mut self, theirs: &Request, own: &Request) {
        let of = &own.operation;
        if !of.takes("query", "cursor") {
            return;
        }
        let page = known::PAGES.iter().find(|(list, _)| *list == of.template);
        let (more, field) = match page {
            Some((_, None)) => return,
            Some((_, Some((collection, field)))) => (*collection, *field),
            None => (of.template.as_str(), None),
        };
        for _ in 0..2 {
            let mut operations = self.scene.operations.iter();
            let make = operations.find(|it| it.makes(more)).unwrap().clone();
            let mut request = self.scene.request(&make, &self.victim).await;
            if let Some(field) = field {
                request = request.with_field(&format!("/{field}"), json!(theirs.ids[0]));
            }
            let answer = self.scene.send(&request, Name::of(&self.victim)).await;
            self.demand(
                "something for another page",
                of,
                answer.status < 300,
                &answer,
            );
        }
        let first = theirs.clone().with_query("limit", "1");
        let first = self.scene.send(&first, Name::of(&self.victim)).await;
        let Some(cursor) = first.body["page"]["next_cursor"].as_str() else {
            self.demand("no second page", of, false, &first);
            return;
        };
        let nonsense = "A".repeat(cursor.len());
        for path in [theirs, own] {
            let path = path.clone().with_query("limit", "1");
            let (with, without) = (
                path.clone().with_query("cursor", cursor),
                path.with_query("cursor", &nonsense),
            );
            let answer = self
                .one_answer("a cursor", (&with, cursor), (&without, &nonsense))
                .await;
            self.demand_problem("a cursor", of, (400, "invalid_cursor"), &answer);
        }
        let next = theirs
            .clone()
            .with_query("limit", "1")
            .with_query("cursor", cursor);
        let next = self.scene.send(&next, Name::of(&self.victim)).await;
        self.demand("a cursor of its own", of, next.status < 300, &next);
    }

    /// What the victim signs in with.
    async fn credentials(&mut self, theirs: &Request) {
        for field in theirs.operation.fields() {
            let nobody = known::credential_of_nobody(&field.name);
            if nobody.is_null() {
                continue;
            }
            let crime = format!("{} of another", field.name);
            let nothing = theirs.clone().with_field(&field.pointer, nobody);
            let answer = self.one_answer(&crime, (theirs, ""), (&nothing, "")).await;
            let is_refused = answer.status == 401;
            self.demand(&crime, &theirs.operation, is_refused, &answer);
        }
    }

    /// The victim's key opens nothing for anybody else, and keeps what it opened for the victim.
    async fn succeeds(&mut self, theirs: &Request, own: &Request, victim: &Session) {
        let of = &theirs.operation;
        let key = format!("key-{}", self.scene.number());
        let takes_a_key = of.takes("header", "idempotency-key");
        let keyed = |request: &Request| {
            if takes_a_key {
                request.clone().with_header("idempotency-key", &key)
            } else {
                request.clone()
            }
        };
        let first = self.scene.send(&keyed(theirs), named(of, victim)).await;
        self.demand("by whom it belongs to", of, first.status < 300, &first);
        if !takes_a_key || known::LAST.contains(&of.name().as_str()) || first.status >= 300 {
            return;
        }
        if of.needs != Needs::Platform {
            let attacker = self.attacker.clone();
            let other = self.scene.send(&keyed(own), named(of, &attacker)).await;
            let is_its_own = other.status < 300
                && other.header("idempotency-replayed").is_none()
                && (first.body["id"].is_null() || other.body["id"] != first.body["id"]);
            self.demand("the key of another", of, is_its_own, &other);
        }
        let again = self.scene.send(&keyed(theirs), named(of, victim)).await;
        let is_replayed = again.header("idempotency-replayed") == Some("true")
            && (again.status, &again.text) == (first.status, &first.text);
        self.demand("its own key", of, is_replayed, &again);
    }

    pub(super) async fn operation(
        &mut self,
        of: &Operation,
        superuser: &mut PgConnection,
        books: &Bookkeeper,
    ) {
        let victim = self.victim.clone();
        match of.needs {
            Needs::Nothing => return,
            Needs::Platform => return self.platform(of).await,
            Needs::Tenant | Needs::Token => {}
        }
        // Whoever signs out, or is signed in anew, does so alone.
        let fresh = self
            .scene
            .api
            .sign_in(&victim.tenant, "administrator")
            .await;
        let theirs = self.scene.request(of, &fresh).await;
        let own = self.scene.request(of, &self.attacker).await;

        let tenant = id_of(&victim.tenant);
        let before = books.read(superuser, &tenant).await;
        if of.needs == Needs::Token {
            self.names(&theirs).await;
            self.path_ids(&theirs, &own).await;
        } else {
            self.credentials(&theirs).await;
        }
        let after = books.read(superuser, &tenant).await;
        // That it was attacked is on its own record.
        let recorded = |table: &String| table.contains(".audit_");
        for table in changed(&before, &after)
            .into_iter()
            .filter(|it| !recorded(it))
        {
            self.failures
                .push(format!("{}: {table} has changed", of.name()));
        }
        // These make things of the victim's on the way.
        self.query_ids(&own).await;
        self.body_ids(&own).await;
        self.cursor(&theirs, &own).await;
        self.succeeds(&theirs, &own, &fresh).await;
    }

    /// What the public tenant's people may do for all is nobody else's, and is not even there.
    async fn platform(&mut self, of: &Operation) {
        if self.attacker.tenant == PUBLIC.slug {
            return;
        }
        let public = self.scene.api.sign_in(PUBLIC.slug, "administrator").await;
        let theirs = self.scene.request(of, &public).await;
        let attacker = self.attacker.clone();
        let at_home = self.scene.send(&theirs, Name::of(&attacker)).await;
        self.demand_problem("from another tenant", of, (404, "not_found"), &at_home);
        let there = Name {
            slug: Some(PUBLIC.slug),
            ..Name::of(&attacker)
        };
        let there = self.scene.send(&theirs, there).await;
        self.demand_problem("a token of another", of, (403, "tenant_mismatch"), &there);
        self.succeeds(&theirs, &theirs, &public).await;
    }
}

/// Somebody's name; without a token where none is looked at.
fn named<'a>(of: &Operation, session: &'a Session) -> Name<'a> {
    Name {
        session: (of.needs != Needs::Tenant).then_some(session),
        ..Name::of(session)
    }
}

/// Everything of an answer that may tell two things apart: all but the date, the place in a trace, how
/// many requests are left, and the next cursor, which is bound to the question.
fn without(answer: &Answer, hidden: &str) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    let mut text = answer.text.clone();
    if let Some(cursor) = answer.body["page"]["next_cursor"].as_str() {
        text = text.replace(cursor, "…");
        headers.retain(|(name, _)| name != "content-length");
    }
    headers.retain(|(name, _)| {
        !["date", "traceparent", "tracestate"].contains(&name.as_str())
            && !name.starts_with("ratelimit")
    });
    headers.sort();
    if !hidden.is_empty() {
        text = text.replace(hidden, "…");
    }
    (answer.status, headers, text)
}

fn id_of(tenant: &str) -> String {
    let mut fixtures = FIXTURES.iter();
    fixtures
        .find(|it| it.slug == tenant)
        .unwrap()
        .id
        .to_string()
}
