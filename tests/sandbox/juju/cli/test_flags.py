"""Options are read as Juju reads them: anywhere on the line, and refused in its words."""

from __future__ import annotations

import pytest

from sandbox.juju.cli.flags import HelpWanted, UsageError, flag, parse

FLAGS = (
    flag("n num-units", "int", 1),
    flag("m model"),
    flag("force", "bool"),
    flag("parallel", "bool", True),
    flag("overlay", "repeat"),
    flag("unit", "list"),
    flag("resource", "pairs"),
    flag("wait", "seconds"),
    flag("q quiet", "bool"),
    flag("v verbose", "bool"),
)


def options(*words: str):
    return parse(FLAGS, words)[0]


@pytest.mark.parametrize(
    "words",
    [("-n", "3", "app"), ("-n3", "app"), ("--num-units=3", "app"), ("app", "--num-units", "3")],
)
def test_an_option_may_stand_anywhere_and_be_spelled_any_way(words):
    arguments = options(*words)
    assert arguments["num-units"] == 3
    assert arguments.positional == ("app",)


def test_switches_may_be_given_a_value_and_joined():
    assert options("--force")["force"]
    assert not options("--force=false", "--parallel=false")["force"]
    joined = options("-qv")
    assert joined["quiet"]
    assert joined["verbose"]


def test_repeated_options_add_up():
    arguments = options(
        "--overlay", "a", "--overlay=b", "--unit", "a/0,a/1", "--unit", "b/0",
        "--resource", "x=1", "--resource", "y=./f",
    )  # fmt: skip
    assert arguments["overlay"] == ("a", "b")
    assert arguments["unit"] == ("a/0", "a/1", "b/0")
    assert arguments["resource"] == {"x": "1", "y": "./f"}


def test_durations_are_those_of_go():
    assert options("--wait", "1m30s")["wait"] == 90
    assert options("--wait", "0.5s")["wait"] == 0.5


def test_what_stands_after_two_dashes_is_no_option():
    assert options("--", "-x", "--force").positional == ("-x", "--force")


def test_reading_can_stop_at_the_first_word():
    arguments, rest = parse(FLAGS, ["--force", "unit/0", "ls", "-l"], interspersed=False)
    assert arguments["force"]
    assert rest == ("unit/0", "ls", "-l")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--nope",), "option provided but not defined: --nope"),
        (("-z",), "option provided but not defined: -z"),
        (("--model",), "option needs an argument: --model"),
        (("-n", "x"), 'invalid value "x" for option -n: strconv.ParseInt'),
        (("--force=maybe",), 'invalid value "maybe" for option --force'),
        (("--wait", "5"), 'invalid value "5" for option --wait: time: missing unit in duration'),
        (("--resource", "x"), 'invalid value "x" for option --resource'),
        (("--mod", "x"), "option provided but not defined: --mod"),
    ],
)
def test_what_is_wrong_is_refused_in_jujus_words(words, message):
    with pytest.raises(UsageError) as refused:
        options(*words)
    assert str(refused.value).startswith(message)


def test_help_can_be_asked_for_anywhere():
    with pytest.raises(HelpWanted):
        options("app", "--help")
