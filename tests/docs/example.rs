//! The reader follows a page that has a step of every kind, and notices where a page is wrong.

use crate::page::Page;
use crate::reader::Reader;

const EVERY_STEP: &str = r#"# Every step

<!-- file: list.yaml -->
```yaml
names:
  - first
```

A terminal prints each line that the file gets, and then the folder changes:

<!-- keep running: the second terminal -->
```sh
tail -n 0 -F list.yaml log 2> /dev/null
```

```sh
sleep 1
mkdir -p folder && cd folder
word=hello
```

<!-- edit: ../list.yaml -->
```diff
 names:
-  - first
+  - one
```

<!-- add to: ../list.yaml under names -->
```yaml
- zero
```

```sh
cat ../list.yaml
```

```text
names:
  - zero
  - one
```

<!-- exit: 3 -->
```sh
(exit 3)
true
```

<!-- again -->
<!-- exit: 4 -->
```sh
echo >> tries; (exit $(($(wc -l < tries) + 1)))
```

Another terminal begins in the first folder. Its output comes later:

<!-- keep running: the third terminal -->
```sh
sleep 1; echo ready >> log; sleep 1000
```

<!-- output of: the second terminal -->
```text
rea...
```

<!-- again -->
```sh
echo $word | tee -a again; [ "$(wc -l < again)" = 3 ]
```

```text
hell...
```

<!-- Ctrl-C: the third terminal -->
"#;

#[test]
fn every_step_is_taken() {
    let page = Page::parse("example.md", EVERY_STEP);
    Reader::of(&page).follow(&page);
}

/// Follows a page with these lines.
fn follow(lines: &[&str]) {
    let page = Page::parse("example.md", &lines.join("\n"));
    Reader::of(&page).follow(&page);
}

#[test]
fn a_page_names_its_folder_and_the_page_before_it() {
    follow(&["<!-- at the top of the repository -->", "```sh", "test -d tests/docs", "```"]);
    let then = Page::parse("example.md", "<!-- begins with: docs/recipes/README.md -->");
    assert_eq!(then.begins_with.as_deref(), Some("docs/recipes/README.md"));
}

#[test]
#[should_panic(expected = "example.md:1: the exit code, with this output")]
fn commands_that_fail_are_noticed() {
    follow(&["```sh", "echo before", "false", "true", "```"]);
}

#[test]
#[should_panic(expected = "example.md:4: shown is\n1\n\nbut it is\n1\n2")]
fn another_output_is_noticed() {
    follow(&["```sh", "echo 1; echo 2", "```", "```text", "1", "```"]);
}

#[test]
#[should_panic(expected = "example.md:6: it ended before it printed\nready")]
fn a_terminal_that_ends_is_noticed() {
    follow(&[
        "<!-- keep running: it -->",
        "```sh",
        "echo no",
        "```",
        "<!-- output of: it -->",
        "```text",
        "ready",
        "```",
    ]);
}

#[test]
#[should_panic(expected = "example.md:6: list: these lines are there 0 times")]
fn an_edit_that_does_not_fit_is_noticed() {
    follow(&["<!-- file: list -->", "```text", "a", "```", "<!-- edit: list -->", "```diff", "-b", "```"]);
}
