//! The programs in `examples/`.

use arl_sts::World;

use crate::support::{DEPLOY, Stage, example};

#[test]
fn the_assume_role_example_prints_the_roles_identity() {
    let stage = Stage::new();
    let mut program = stage.as_ann(example("assume_role"));
    let arn = stage.run(program.arg(DEPLOY).env("AWS_REGION", "eu-west-1")).success();
    assert!(arn.starts_with("arn:aws:sts::123456789012:assumed-role/Deploy/"), "{arn}");
    assert_eq!(stage.assumed()[0].access_key_id, World::ANN_KEY);
    assert_eq!(stage.assumed()[0].get("DurationSeconds"), Some("3600"));
}
