//! The document of the addresses and the code say the same: every address with its methods, every kind of problem.

use std::collections::{BTreeMap, BTreeSet};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::live::{self, Live};
use crate::problem::kinds;

/// What pages load, and browsers ask for by themselves: no part of the interface.
const ASSETS: [&str; 4] = ["/dashboard/", "/lib/", "/style.css", "/favicon.ico"];
const METHODS: [&str; 8] = ["get", "head", "post", "put", "delete", "patch", "options", "trace"];

fn document() -> Value {
    serde_json::from_str(schema::documents::OPENAPI).unwrap()
}

/// A live lane that reaches nobody.
fn unconnected(state: &State) -> Live {
    Live::start(live::Parts {
        db: state.db.clone(),
        redis: Redis::new(&format!("redis://{NOBODY}"), "t:").unwrap(),
        health: state.health.clone(),
        metrics: state.metrics.clone(),
        replica: "gw1".to_owned(),
        settings: Cli::try_parse_from(["gateway"]).unwrap().settings.viewers,
        tables: CancellationToken::new(),
        tracker: &TaskTracker::new(),
        stop: CancellationToken::new(),
    })
}

/// Every address that the HTTP library was told of, with the methods that it takes.
async fn served() -> BTreeMap<String, BTreeSet<String>> {
    let state = alone(&[]);
    let live = unconnected(&state);
    let app = init_service(app(state, live.routes())).await;
    let answer = call_service(&app, TestRequest::with_uri("/healthz").to_request()).await;
    // nothing else but its debug form tells what is in the library's map
    let map = format!("{:?}", answer.request().resource_map());
    let patterns = map.split("patterns: Single(\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let addresses: BTreeSet<&str> = patterns
        .map(|(pattern, _)| pattern)
        .filter(|pattern| !pattern.is_empty() && !ASSETS.iter().any(|asset| pattern.starts_with(asset)))
        .collect();
    let mut served = BTreeMap::new();
    for address in addresses {
        // no address takes it: each tells what it does take
        let request = TestRequest::with_uri(&address.replace(['{', '}'], "")).method(Method::PATCH);
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{address}");
        let allowed = answer.headers().get_all(header::ALLOW).map(|value| value.to_str().unwrap());
        let methods = allowed.flat_map(|value| value.split(", ")).map(str::to_ascii_lowercase);
        served.insert(address.to_owned(), methods.collect());
    }
    served
}

#[actix_web::test]
async fn every_address_is_described_and_no_other() {
    let document = document();
    let described = |item: &Value| {
        let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
        methods.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeMap<String, BTreeSet<String>> =
        paths.iter().map(|(path, item)| (path.clone(), described(item))).collect();
    let mut served = served().await;
    for (address, methods) in &mut served {
        // HEAD goes without saying where GET is
        let said = described.get(address).is_some_and(|methods| methods.contains("head"));
        if methods.contains("get") && !said {
            methods.remove("head");
        }
    }
    assert_eq!(served, described, "left: what is served; right: schema/openapi.json");
}

#[actix_web::test]
async fn every_kind_of_problem_is_described_and_no_other() {
    let document = document();
    let examples = document["components"]["examples"].as_object().unwrap();
    let described: BTreeSet<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(kinds::ALL.iter().map(|kind| kind.slug).collect::<BTreeSet<_>>(), described);
    for kind in kinds::ALL {
        let example = &examples[kind.slug];
        assert_eq!((&example["summary"], &example["description"]), (&json!(kind.title), &json!(kind.about)));
        let told = |member: &str| example["value"][member].clone();
        assert_eq!(
            [told("type"), told("title"), told("status"), told("retryable")],
            [
                json!(format!("/problems/{}", kind.slug)),
                json!(kind.title),
                json!(kind.status.as_u16()),
                json!(kind.retryable)
            ]
        );
    }
    let slugs = kinds::ALL.iter().map(|kind| json!(format!("/problems/{}", kind.slug)));
    let types: Vec<Value> = slugs.chain([json!("about:blank")]).collect();
    assert_eq!(document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"], json!(types));
    let slugs: Vec<&str> = kinds::ALL.iter().map(|kind| kind.slug).collect();
    assert_eq!(document["components"]["parameters"]["slug"]["schema"]["enum"], json!(slugs));
}

#[actix_web::test]
async fn each_problem_is_told_of_under_its_status() {
    let document = document();
    let led = |part: &'_ Value| match part["$ref"].as_str() {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap().clone(),
        None => part.clone(),
    };
    let mut told = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in METHODS.into_iter().filter_map(|method| item.get(method)) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = led(response);
                let examples = response["content"]["application/problem+json"]["examples"].as_object();
                for slug in examples.into_iter().flatten().map(|(slug, _)| slug) {
                    let kind = kinds::ALL.iter().find(|kind| kind.slug == slug).unwrap();
                    assert!(status == "default" || status == kind.status.as_str(), "{path}: {slug}");
                    told.insert(kind.slug);
                }
            }
        }
    }
    assert_eq!(told.len(), kinds::ALL.len(), "a kind that no answer is described with: only {told:?} are");
}

#[actix_web::test]
async fn the_documents_are_served_with_what_they_refer_to() {
    let state = alone(&[]);
    for address in ["/openapi.json", "/asyncapi.json"] {
        let answer = get(&state, address).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
        let text = String::from_utf8(answer.body).unwrap();
        let files = text.split("\"events/").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
        let files: BTreeSet<&str> = files.collect();
        assert!(files.len() > 1, "{address}");
        for file in files {
            let schema = get(&state, &format!("/events/{file}")).await;
            assert_eq!(schema.header("content-type"), "application/schema+json", "{file}");
            assert!(schema.json().is_object());
        }
    }
    assert_eq!(get(&state, "/events/poison.json").await.problem().1, "not-found");
    let page = get(&state, "/docs").await;
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    assert!(String::from_utf8(page.body).unwrap().contains("/dashboard/docs.js"));
}

/// What `part` of a document leads to, with the file that it is in.
fn led<'a>(files: &'a BTreeMap<String, Value>, file: &'a str, part: &'a Value) -> (&'a str, &'a Value) {
    let Some(to) = part["$ref"].as_str() else { return (file, part) };
    let (named, place) = to.split_once('#').unwrap_or((to, ""));
    let file = if named.is_empty() { file } else { named };
    led(files, file, files[file].pointer(place).unwrap())
}

/// Panics when objects in `value` lack a member that they must have, or have one that is not described.
fn assert_described(files: &BTreeMap<String, Value>, file: &str, schema: &Value, value: &Value) {
    let (file, schema) = led(files, file, schema);
    if let Some(one) = schema["anyOf"].as_array().and_then(|any| any.first()).filter(|_| !value.is_null()) {
        return assert_described(files, file, one, value);
    }
    for item in value.as_array().into_iter().flatten() {
        assert_described(files, file, &schema["items"], item);
    }
    let Some(members) = value.as_object() else { return };
    let must = schema["required"].as_array().unwrap();
    assert!(must.iter().all(|name| members.contains_key(name.as_str().unwrap())), "{must:?}: {value}");
    for (name, member) in members {
        let described = schema["properties"].get(name).unwrap_or_else(|| panic!("no {name} in {schema}"));
        assert_described(files, file, described, member);
    }
}

#[actix_web::test]
async fn answers_have_the_members_that_are_described() {
    let schemas = schema::documents::SCHEMAS.map(|(name, text)| (format!("events/{name}"), text));
    let documents = schemas.into_iter().chain([("openapi.json".to_owned(), schema::documents::OPENAPI)]);
    let files: BTreeMap<String, Value> =
        documents.map(|(name, text)| (name, serde_json::from_str(text).unwrap())).collect();
    let state = with_database().await;
    let id = ProductId::from_sku("A-1");
    store(&state.db, &[change(id, 1)]).await;
    let paths = &files["openapi.json"]["paths"];
    for address in ["/products", "/products/{id}", "/products/{id}/changes", "/total", "/replicas", "/readyz"]
    {
        let answer = get(&state, &address.replace("{id}", &id.to_string())).await;
        let response = &paths[address]["get"]["responses"][answer.status.as_str()];
        let schema = &response["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{address}: {}", answer.status);
        assert_described(&files, "openapi.json", schema, &answer.json());
    }
    let refused = get(&state, "/products?limit=0").await.json();
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    assert_described(&files, "openapi.json", &problem, &refused);
}
