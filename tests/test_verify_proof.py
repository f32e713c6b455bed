"""The first oracle by itself: which steps it proves, which it refuses, and what its answers rest on."""

import pytest
import test_verify_derivation as steps

from lrmath.verify import LanguageError, parse
from lrmath.verify.derivation import definitions_of
from lrmath.verify.proof import NotProved, Rules, prove


def rules(given=(), where=None, shapes=None):
    given = [given] if isinstance(given, str) else given
    return Rules([parse(condition) for condition in given], definitions_of(where, shapes))


def try_to_prove(start, line, relation="=", given=(), where=None, shapes=None):
    prove(parse(start, shapes), parse(line, shapes), rules(given, where, shapes), relation)


@pytest.mark.parametrize(("start", "line", "relation", "options"), steps.TRUE)
def test_a_right_step_is_proved(start, line, relation, options):
    try_to_prove(start, line, relation, **options)


@pytest.mark.parametrize(
    ("start", "line", "relation", "options"), steps.WRONG + steps.MISSING_CONDITION + steps.BEYOND
)
def test_a_wrong_step_is_refused(start, line, relation, options):
    with pytest.raises((NotProved, LanguageError)):
        try_to_prove(start, line, relation, **options)
