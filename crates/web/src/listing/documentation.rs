//! The parameters of lists and views, as the API describes them.

use utoipa::{
    IntoParams,
    openapi::{
        KnownFormat, Required, SchemaFormat,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{Object, ObjectBuilder, Type},
    },
};

use std::borrow::Cow;

use kernel::{Kind, ListSpec};

use super::{ListParameters, Listed, ViewParameters};

fn parameter(name: &str, description: impl Into<String>, schema: Object) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn schema(kind: Kind) -> Object {
    let format = |format| text().format(Some(SchemaFormat::KnownFormat(format)));
    match kind {
        Kind::Name | Kind::Code | Kind::Text => text().min_length(Some(1)).max_length(Some(200)),
        Kind::Word(words) => text().enum_values(Some(words.iter().copied())),
        Kind::Id => format(KnownFormat::Uuid),
        Kind::Date => format(KnownFormat::Date),
        Kind::Instant => format(KnownFormat::DateTime),
        Kind::Integer => ObjectBuilder::new().schema_type(Type::Integer),
        Kind::Boolean => ObjectBuilder::new().schema_type(Type::Boolean),
    }
    .build()
}

fn example(kind: Kind) -> serde_json::Value {
    match kind {
        Kind::Name => "yang".into(),
        Kind::Code => "SALES".into(),
        Kind::Text => "employee.hired.v1".into(),
        Kind::Word(words) => words.first().copied().unwrap_or_default().into(),
        Kind::Id => "0192f0c1-7f0a-7000-8000-000000000001".into(),
        Kind::Date => "2026-01-31".into(),
        Kind::Instant => "2026-01-31T12:00:00Z".into(),
        Kind::Integer => 1.into(),
        Kind::Boolean => true.into(),
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn shown(spec: &ListSpec) -> Vec<Parameter> {
    let all = names(spec.shown.iter().map(|shown| shown.name));
    let mut parameters = vec![
        parameter(
            "fields",
            format!("Only these fields, separated by commas: {all}."),
            text().build(),
        )
        .example(spec.shown.first().map(|shown| shown.name.into()))
        .build(),
    ];
    if !spec.expand.is_empty() {
        let description = format!(
            "References that are shown whole, separated by commas: {}.",
            names(spec.expand.iter().copied())
        );
        let builder = parameter("expand", description, text().build());
        parameters.push(
            builder
                .example(spec.expand.first().map(|it| (*it).into()))
                .build(),
        );
    }
    for extra in spec.extra {
        let builder = parameter(extra.name, extra.description, schema(extra.kind));
        parameters.push(builder.example(Some(extra.example.into())).build());
    }
    parameters
}

impl<R: Listed> IntoParams for ViewParameters<R> {
    fn into_params(_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        shown(&R::SPEC)
    }
}

impl<R: Listed> IntoParams for ListParameters<R> {
    fn into_params(_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let spec = R::SPEC;
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(200))
            .default(Some(25.into()));
        let mut all = vec![
            parameter("limit", "How many items a page holds.", number.build())
                .example(Some(25.into()))
                .build(),
            parameter(
                "cursor",
                "`next_cursor` of the page before.",
                text().build(),
            )
            .example(Some("gV1c3F2q6HkL0mTtq0cB".into()))
            .build(),
            parameter(
                "count",
                "`exact` counts the whole list.",
                text().enum_values(Some(["exact"])).build(),
            )
            .example(Some("exact".into()))
            .build(),
        ];
        if let Some(search) = spec.search {
            let schema = text().max_length(Some(100)).build();
            all.push(
                parameter("q", search, schema)
                    .example(Some("yang".into()))
                    .build(),
            );
        }
        if !spec.sort.is_empty() {
            let sortable = spec.fields.iter().filter(|field| field.sortable);
            let description = format!(
                "The order, keys separated by commas, the greatest first with `-` before a \
                 key: {}. Ties are broken by `id`.",
                names(sortable.map(|field| field.name))
            );
            let first = spec.sort.first().map(|key| key.field.into());
            all.push(
                parameter("sort", description, text().build())
                    .example(first)
                    .build(),
            );
        }
        for field in spec.fields {
            for operator in field.kind.operators() {
                let name: Cow<'_, str> = match operator.suffix() {
                    None => field.name.into(),
                    Some(suffix) => format!("{}[{suffix}]", field.name).into(),
                };
                let several = operator.suffix() == Some("in");
                let schema = if several {
                    text().build()
                } else {
                    schema(field.kind)
                };
                let description = match operator.suffix() {
                    None => format!("Only where `{}` is this.", field.name),
                    Some("ne") => format!("Only where `{}` is not this.", field.name),
                    Some("in") => {
                        format!(
                            "Only where `{}` is one of these, separated by commas.",
                            field.name
                        )
                    }
                    Some("contains") => format!("Only where `{}` contains this.", field.name),
                    Some("gt") => format!("Only where `{}` is greater.", field.name),
                    Some("gte") => format!("Only where `{}` is this or greater.", field.name),
                    Some("lt") => format!("Only where `{}` is less.", field.name),
                    Some(_) => format!("Only where `{}` is this or less.", field.name),
                };
                let builder = parameter(&name, description, schema);
                all.push(builder.example(Some(example(field.kind))).build());
            }
        }
        all.extend(shown(&spec));
        all
    }
}
