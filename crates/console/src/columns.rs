//! What the columns of an uploaded file are: the form on the page of a job that waits to be begun.

use super::Fields;
use super::texts;
use domain::contact::field::Field;
use domain::list::check_name;
use files::choices::{CONSENT, Choices, ForAll, Mode};
use files::decode;
use files::layout::{Header, Said};
use files::mapping::{Fault, Guess, Mapping, NewVariable, camel_case, guess};
use files::plan::target_of;
use files::target::Target;
use files::values::{Order, Values};
use jobs::job::Plan;
use jobs::upload::Preview;
use web::translate::{mark, t};

/// A choice that makes a variable.
const NEW: &str = "new";

/// A choice that leaves a column out, as [`Target::named`] reads it.
const IGNORE: &str = "ignore";

/// A column of the file, and what is chosen for it.
pub struct Column {
    /// Its place from the left.
    pub place: usize,
    /// What stands above it.
    pub header: String,
    /// Its first cells.
    pub cells: Vec<String>,
    /// What is chosen; empty where nobody knows.
    pub chosen: String,
    /// A field with almost the same name, if the column has no known header.
    pub near: Option<String>,
    /// What a new variable is called.
    pub name: String,
    /// Whether its values are dates.
    pub date: bool,
}

/// Choices that belong together.
pub struct Group {
    /// What they are.
    pub name: &'static str,
    /// Their values and texts.
    pub choices: Vec<(String, String)>,
}

/// The form, with what is chosen in it.
pub struct Columns {
    /// The columns.
    pub columns: Vec<Column>,
    /// The choices for each.
    pub groups: Vec<Group>,
    /// Whether an empty cell clears.
    pub empty_clears: bool,
    /// Whether flags that were set to false may be set to true.
    pub resubscribe: bool,
    /// What is chosen beside the columns.
    pub choices: Choices,
    /// How the file is said to be written.
    pub said: Said,
    /// The service that has exported the file.
    pub service: Option<&'static str>,
    /// Variables of the list, and fields that all rows may have.
    pub for_all: Vec<String>,
}

impl Columns {
    /// With what was said before, else with what the headers seem to be.
    pub fn of(preview: &Preview, plan: Option<&Plan>, said: Said, variables: &[String]) -> Self {
        let (guesses, service) = guess(preview.header.iter().map(String::as_str), variables);
        // What was said of other columns is not said of these.
        let plan = plan.filter(|plan| plan.columns.len() == preview.header.len());
        let column = |(place, (header, guess)): (usize, (&String, Guess))| {
            let chosen = plan.and_then(|plan| plan.columns.get(place)).cloned();
            let guessed = guess.target.map(|target| value(&target, variables));
            let chosen = chosen.or(guessed).unwrap_or_default();
            let new = plan.and_then(|plan| {
                plan.new_variables.iter().find(|new| chosen == format!("variables.{}", new.name))
            });
            Column {
                place,
                header: header.clone(),
                cells: preview.rows.iter().map(|row| row.get(place).cloned().unwrap_or_default()).collect(),
                name: new.map_or_else(|| camel_case(header), |new| new.name.clone()),
                date: new.is_some_and(|new| new.date),
                near: guess.near.map(|target| target.to_string()),
                chosen: if new.is_some() { NEW.to_owned() } else { chosen },
            }
        };
        let of_list = variables.iter().map(|name| format!("variables.{name}"));
        Self {
            columns: preview.header.iter().zip(guesses).enumerate().map(column).collect(),
            groups: groups(variables),
            empty_clears: plan.is_some_and(|plan| plan.empty_clears),
            resubscribe: plan.is_some_and(|plan| plan.resubscribe),
            choices: plan.map(Plan::choices).unwrap_or_default(),
            said,
            service,
            for_all: FOR_ALL.map(str::to_owned).into_iter().chain(of_list).collect(),
        }
    }

    /// The same with what was chosen in the form.
    pub fn choose(&mut self, form: &Fields) {
        for column in &mut self.columns {
            form.get(&format!("column-{}", column.place)).clone_into(&mut column.chosen);
            form.get(&format!("name-{}", column.place)).clone_into(&mut column.name);
            column.date = form.get(&format!("type-{}", column.place)) == "date";
        }
        (self.empty_clears, self.resubscribe) = (form.has("empty_clears"), form.has("resubscribe"));
        self.choices = read_choices(form);
    }

    /// The channels, and whether a contact is active, with what is chosen for all rows.
    pub fn consent(&self) -> Vec<(&'static str, &'static str, &str)> {
        let chosen = |name: &str| self.choices.for_all.iter().find(|value| value.field == name);
        let row = |field: Field| {
            (field.name(), field.label(), chosen(field.name()).map_or("", |chosen| chosen.value.as_str()))
        };
        CONSENT.map(row).to_vec()
    }

    /// Other values for all rows, with room for more.
    pub fn others(&self) -> Vec<(usize, &str, &str)> {
        let is_consent = |value: &&ForAll| CONSENT.iter().any(|field| field.name() == value.field);
        let others = self.choices.for_all.iter().filter(|value| !is_consent(value));
        let others = others.map(|value| (value.field.as_str(), value.value.as_str()));
        let rows = others.chain([("", ""); OTHERS]).take(OTHERS).enumerate();
        rows.map(|(place, (field, value))| (place, field, value)).collect()
    }

    /// Whether a choice is the one with that name.
    pub fn is(&self, choice: &str) -> bool {
        match choice {
            "upsert" => self.choices.mode == Mode::Both,
            "create" => self.choices.mode == Mode::Create,
            "update" => self.choices.mode == Mode::Update,
            "day-first" => self.choices.values.dates == Some(Order::DayFirst),
            "month-first" => self.choices.values.dates == Some(Order::MonthFirst),
            "leave_out" => self.choices.values.leave_out,
            by => self.choices.match_by.as_deref() == Some(by),
        }
    }

    /// What is to be done.
    ///
    /// # Errors
    /// What is wrong with the choices, in a sentence.
    pub fn plan(&self, variables: &[String]) -> Result<Plan, String> {
        let (mut columns, mut new_variables) = (Vec::new(), Vec::<NewVariable>::new());
        for Column { header, chosen, name, date, .. } in &self.columns {
            let target = match chosen.as_str() {
                "" => {
                    return Err(t("Choose a field for the column “{header}”, or do not import it.")
                        .with("header", header)
                        .to_string());
                }
                NEW => {
                    check_name(name).map_err(|problem| format!("{header}: {}", texts::text(&problem)))?;
                    if variables.contains(name) || new_variables.iter().any(|new| new.name == *name) {
                        return Err(t("{header}: the list already has the custom field {name}.")
                            .with("header", header)
                            .with("name", name)
                            .to_string());
                    }
                    new_variables.push(NewVariable { name: name.clone(), date: *date });
                    format!("variables.{name}")
                }
                other => other.to_owned(),
            };
            columns.push(target);
        }
        let upsert = self.choices.mode != Mode::Update;
        let (choices, said) = (self.choices.clone(), self.said.clone());
        let Self { empty_clears, resubscribe, .. } = *self;
        let plan = Plan { columns, new_variables, empty_clears, upsert, resubscribe, choices, said };
        let header = self.columns.iter().map(|column| column.header.as_str()).collect();
        self.check(&plan, &header, variables)?;
        Ok(plan)
    }

    fn check(&self, plan: &Plan, header: &csv::StringRecord, variables: &[String]) -> Result<(), String> {
        let mut targets = Vec::new();
        for name in &plan.columns {
            let target = Target::named(name)
                .ok_or_else(|| t("There is no field {name}.").with("name", name).to_string())?;
            if let Target::Variable(variable) = &target
                && !variables.contains(variable)
                && !plan.new_variables.iter().any(|new| new.name == *variable)
            {
                return Err(t("The list has no custom field {name}.").with("name", variable).to_string());
            }
            targets.push(target);
        }
        let new = plan.new_variables.iter().map(|new| new.name.clone());
        let all: Vec<_> = variables.iter().cloned().chain(new).collect();
        plan.choices.check(&all).map_err(|error| error.to_string())?;
        let by = plan.choices.by().map(target_of);
        if let Some(by) = by.filter(|by| !targets.contains(by)) {
            return Err(t("Contacts are found by {by}, and no column is {by}.").with("by", by).to_string());
        }
        if plan.choices.mode == Mode::Create && targets.contains(&Target::Contact) {
            return Err(t(
                "Choose user ID, e-mail or phone in place of contact if contacts are only created.",
            )
            .to_string());
        }
        let said = Mapping::said(header, targets, plan.new_variables.clone());
        said.map(drop).map_err(|fault| match fault {
            Fault::Twice(..) => t("{fault}: leave one of them out.").with("fault", fault).to_string(),
            Fault::NoIdentifier => {
                t("One column must hold an identifier: an e-mail address, a phone number or a user ID.")
                    .to_string()
            }
        })
    }
}

/// Fields that may have a value for all rows, beside those of consent.
const FOR_ALL: [&str; 9] = [
    "sourceId",
    "customerSourceId",
    "contactLanguage",
    "contactTimezone",
    "contactScore",
    "contactGender",
    "name",
    "cac.value",
    "cac.currency",
];

/// Values for all rows that a form has room for, beside those of consent.
const OTHERS: usize = 4;

fn read_choices(form: &Fields) -> Choices {
    let given = |name: &str| Some(form.get(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    let mode = match form.get("mode") {
        "update" => Mode::Update,
        "create" => Mode::Create,
        _ => Mode::Both,
    };
    let consent = CONSENT.into_iter().filter_map(|field| {
        let value = given(&format!("all-{}", field.name()))?;
        Some(ForAll { field: field.name().to_owned(), value })
    });
    let others = (0..OTHERS).filter_map(|place| {
        let field = given(&format!("all-field-{place}"))?;
        Some(ForAll { field, value: form.get(&format!("all-value-{place}")).to_owned() })
    });
    let dates = match form.get("dates") {
        "day-first" => Some(Order::DayFirst),
        "month-first" => Some(Order::MonthFirst),
        _ => None,
    };
    let country = given("country").map(|country| country.to_uppercase());
    let values = Values { country, dates, leave_out: form.get("bad_values") == "leave_out" };
    Choices { mode, match_by: given("match_by"), for_all: consent.chain(others).collect(), values }
}

/// What a form or an address says of how a file is written.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn read_said<'a>(get: impl Fn(&str) -> &'a str) -> Result<Said, String> {
    let given = |name: &str| Some(get(name)).filter(|text| !text.trim().is_empty());
    let encoding = match given("encoding") {
        Some(label) => match decode::named(label.trim()) {
            Some(encoding) => Some(encoding.name().to_owned()),
            None => return Err(t("There is no encoding “{label}”.").with("label", label).to_string()),
        },
        None => None,
    };
    let header = given("header").unwrap_or_default();
    let header = Header::parse(header)
        .ok_or_else(|| t("Enter a number from 1 as the row of the column names, or none.").to_string())?;
    let delimiter = match given("delimiter") {
        Some("comma") => Some(','),
        Some("semicolon") => Some(';'),
        Some("tab") => Some('\t'),
        Some("bar") => Some('|'),
        _ => None,
    };
    let sheet = given("sheet").map(str::to_owned);
    Ok(Said { encoding, delimiter, sheet, header, accept_doubt: false })
}

/// The choice that stands for a target; a variable that the list does not have is a new one.
fn value(target: &Target, variables: &[String]) -> String {
    match target {
        Target::Ignored => IGNORE.to_owned(),
        Target::Variable(name) if !variables.contains(name) => NEW.to_owned(),
        target => target.to_string(),
    }
}

fn groups(variables: &[String]) -> Vec<Group> {
    let same = |text: &str| (text.to_owned(), text.to_owned());
    let (who, other): (Vec<_>, Vec<_>) = Field::ALL
        .into_iter()
        .filter(|field| *field != Field::Cac)
        .partition(|field| Target::Field(*field).identifies());
    let mut who: Vec<_> = who.into_iter().map(|field| same(field.name())).collect();
    who.push(("contact".to_owned(), t("E-mail, phone or user ID (detect)").to_string()));
    who.push(("contactId".to_owned(), t("contact ID: to find contacts by it").to_string()));
    let mut fields: Vec<_> = other.into_iter().map(|field| same(field.name())).collect();
    fields.extend(["customerSourceId", "cac.value", "cac.currency"].map(same));
    let reversed = CONSENT.into_iter().filter(|field| *field != Field::Active);
    let reversed = reversed.map(|field| {
        (
            Target::Not(field).to_string(),
            t("{field}, reversed (a yes is a no)").with("field", field.name()).to_string(),
        )
    });
    let reversed: Vec<_> = reversed.collect();
    let mut of_list: Vec<_> =
        variables.iter().map(|name| (format!("variables.{name}"), name.clone())).collect();
    of_list.push((NEW.to_owned(), t("new custom field").to_string()));
    vec![
        Group { name: mark("Identifiers"), choices: who },
        Group { name: mark("Fields"), choices: fields },
        Group { name: mark("Blocklists"), choices: reversed },
        Group { name: mark("Custom fields"), choices: of_list },
    ]
}
