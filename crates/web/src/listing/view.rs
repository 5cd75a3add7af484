//! How one thing is shown.

use std::{
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::Serialize;

use super::{Listed, fields, project, unwritten};
use crate::{Answer as _, Json, Problem, Whole, parameters, response::Rendered};

/// How one thing is shown: which fields, and which references whole. Takes the same `fields` and
/// `expand` as its list.
#[derive(Debug)]
pub struct View<R: Listed> {
    fields: Option<Vec<&'static str>>,
    /// References that are shown whole.
    pub expand: Vec<&'static str>,
    extra: Vec<(String, String)>,
    marker: PhantomData<R>,
}

impl<R: Listed> View<R> {
    /// The answer: a whole representation has an `ETag`; with `fields`, `expand` or a mask there is
    /// none, and `version` is `None`.
    ///
    /// # Errors
    /// When it cannot be written: a defect.
    pub fn answer<T: Serialize>(&self, body: T, version: Option<i64>) -> Result<Rendered, Problem> {
        match (&self.fields, version) {
            (Some(fields), _) => {
                let value = serde_json::to_value(body).map_err(unwritten)?;
                Json(project(value, fields)).render()
            }
            (None, Some(version)) if self.expand.is_empty() && self.extra.is_empty() => {
                Whole { version, body }.render()
            }
            (None, _) => Json(body).render(),
        }
    }

    /// Whether a field is shown where the caller may see it.
    pub fn shows(&self, field: &str) -> bool {
        let only = self.fields.as_ref();
        only.is_none_or(|only| only.contains(&field))
    }

    /// A parameter of this route alone, as it was sent.
    pub fn extra(&self, name: &str) -> Option<&str> {
        let given = self.extra.iter().find(|(known, _)| known == name);
        given.map(|(_, value)| value.as_str())
    }
}

impl<R: Listed> FromRequest for View<R> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(view(request))
    }
}

fn view<R: Listed>(request: &HttpRequest) -> Result<View<R>, Problem> {
    let mut view = View {
        fields: None,
        expand: Vec::new(),
        extra: Vec::new(),
        marker: PhantomData,
    };
    let mut wrong = Vec::new();
    let pairs = parameters::pairs(request.query_string())?;
    for (place, (name, value)) in pairs.iter().enumerate() {
        let mut refuse = |message: String| {
            wrong.push(kernel::FieldError::new(name, "invalid_parameter", message));
        };
        let before = pairs.iter().take(place);
        if before.into_iter().any(|(earlier, _)| earlier == name) {
            refuse("is given twice".to_owned());
            continue;
        }
        match name.as_str() {
            "fields" => view.fields = Some(fields(R::SPEC.shown, value)?),
            "expand" if !R::SPEC.expand.is_empty() => match R::SPEC.names(value, R::SPEC.expand) {
                Ok(names) => view.expand = names,
                Err(message) => refuse(message),
            },
            name if R::SPEC.extra.iter().any(|extra| extra.name == name) => {
                view.extra.push((name.to_owned(), value.clone()));
            }
            _ => refuse("there is no such parameter".to_owned()),
        }
    }
    if wrong.is_empty() {
        Ok(view)
    } else {
        Err(Problem::parameters(wrong))
    }
}
