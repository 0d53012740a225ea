use super::*;

fn wishes(map: &[&str], new: &[&str], ignore: &[&str]) -> Wishes {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Wishes { map: texts(map), new_variables: texts(new), ignore: texts(ignore), ignore_others: false }
}

fn map(header: &[&str], wishes: &Wishes) -> std::result::Result<Vec<String>, String> {
    let header = StringRecord::from(header.to_vec());
    let mapping = Mapping::of(&header, wishes, &["plan".to_owned()]).map_err(|error| error.to_string())?;
    Ok(mapping.columns.iter().map(|column| column.target.to_string()).collect())
}

#[test]
fn what_is_said_goes_over_what_is_guessed() {
    let wishes =
        wishes(&["a=b=userId", "Email = variables.plan"], &["Shoe size", "x=favouriteDay:date"], &["junk"]);
    let told = map(&["email", "a=b", "Shoe size", "x", "junk", ""], &wishes).unwrap();
    let expected = [
        "variables.plan",
        "userId",
        "variables.shoeSize",
        "variables.favouriteDay",
        "(ignored)",
        "(ignored)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn columns_of_one_name_are_addressed_by_their_number() {
    let told = map(&["x", "x", "#1"], &wishes(&["#2=email", "#1=name"], &[], &["#3"])).unwrap_err();
    assert!(told.contains("unknown columns: \"x\""), "{told}");
    let told = map(&["x", "x", "y"], &wishes(&["#2=email", "#1=name"], &[], &["#3"])).unwrap();
    assert_eq!(told, ["name", "email", "(ignored)"]);
}

#[test]
fn columns_that_a_service_exports_twice_are_shared() {
    let header = StringRecord::from(vec![
        "EMAIL",
        "EMAIL_BLACKLISTED",
        "SMS_BLACKLISTED",
        "OPT_IN",
        "WHATSAPP",
        "SMS",
    ]);
    let mut mapping = Mapping::of(&header, &Wishes::default(), &[]).unwrap();
    let groups = |mapping: &Mapping| -> Vec<(String, Vec<usize>)> {
        mapping.groups.iter().map(|group| (group.target.to_string(), group.columns.clone())).collect()
    };
    let of_service = [("emailSubscribe".to_owned(), vec![3, 1]), ("phoneNumber".to_owned(), vec![5, 4])];
    assert_eq!((mapping.service, groups(&mapping)), (Some("Brevo"), of_service.to_vec()));
    mapping.share(&[(Target::Field(Field::Active), "yes".to_owned())]);
    assert_eq!(groups(&mapping)[0], ("active".to_owned(), vec![]));
    assert!(!mapping.without_consent().contains(&"active"));
    assert!(mapping.without_consent().contains(&"viberSubscribe"));
}

#[test]
fn what_cannot_be_is_told() {
    for (header, wishes, text) in [
        (vec!["email", "Size"], wishes(&[], &[], &[]), "unknown columns: \"Size\"; name them with"),
        (
            vec!["email", "E-Mail"],
            wishes(&[], &[], &[]),
            "the columns \"email\" and \"E-Mail\" are both email",
        ),
        (vec!["email", "email"], wishes(&[], &[], &[]), "the columns \"email\" and \"email\" are both email"),
        (
            vec!["email", "Fisrt name"],
            wishes(&[], &[], &[]),
            "\"Fisrt name\" (did you mean firstName?); name them",
        ),
        (
            vec!["email", "x", "X", "x"],
            wishes(&["x=name"], &[], &[]),
            "the file has 2 columns \"x\": name one by its number, such as \"#2\"",
        ),
        (vec!["email"], wishes(&["#2=name"], &[], &[]), "the file has no column \"#2\""),
        (vec!["name"], wishes(&[], &[], &[]), "no column is userId, email or phoneNumber"),
        (vec!["email"], wishes(&["x=name"], &[], &[]), "the file has no column \"x\""),
        (vec!["email"], wishes(&["email"], &[], &[]), "--map email: there is no ="),
        (vec!["email"], wishes(&["email=x"], &[], &[]), "--map email=x: there is no field x"),
        (vec!["email"], wishes(&["email=variables.x"], &[], &[]), "the list has no variable x"),
        (vec!["email", "9"], wishes(&[], &["9"], &[]), "--new-variable 9: invalid name of variable 9"),
        (vec!["email", "Id"], wishes(&[], &["Id"], &[]), "variable \"id\" is reserved"),
    ] {
        let told = map(&header, &wishes).unwrap_err();
        assert!(told.contains(text), "{header:?}: {told}");
    }
}
