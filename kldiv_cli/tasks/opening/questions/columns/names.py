"""Names that people give to columns beside logits, and what they mean by them.

The list is collected from public evaluation scripts, notebooks and reports: of ten writers of
``logit_0``, ``logit_1``, ... seven add such columns. A name alone decides nothing, for any of these
may name a class too: win, draw, loss; thumb, index, middle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from kldiv_cli.tasks.opening.questions.columns.families import numbered

_MEANINGS = {
    # What identifies a row, or says where it stood. pandas and R write an index without a name.
    "row ids": """
        id idx index row rowid row_num row_nr row_no row_number rownum rownames rn uid uuid guid key
        pk no nr number num sample sample_no example item record entry doc document seq sequence
        line line_no line_number position pos offset order level_0 level_1 __index_level_0__
        __index_level_1__ unnamed:_0 unnamed:_0.1 unnamed:_1
    """,
    # What is right, and what the model said, by the number of the class.
    "labels": """
        label labels lbl target targets tgt y y_true y_test y_val y_pred y_hat yhat ytrue ypred true
        truth gt ground_truth groundtruth gold gold_label true_label true_class actual actual_class
        actual_label real_label cls class class_id category expected answer correct_answer pred
        preds prediction predictions predicted predicted_class predicted_label pred_class pred_label
        argmax top1 top_1 best guess decision output_class token next_token target_token
    """,
    # Which part of the data, or of a cross-validation, the row was in.
    "parts of the data": """
        fold folds cv_fold kfold split splits partition subset set group groups cluster batch
        batch_no shard domain task train test val is_train is_test is_val
    """,
    # Which run wrote the row, and how far it was.
    "a run": """
        epoch epochs step steps global_step iter iteration iterations round seed run trial repeat
        rep lr learning_rate checkpoint ckpt rank worker layer temperature temp
    """,
    # What was computed from the logits.
    "figures of the row": """
        loss losses nll ce bce cross_entropy entropy perplexity ppl logprob log_prob log_likelihood
        loglikelihood acc accuracy error err score scores conf confidence max_prob maxprob max_logit
        prob_max probability margin uncertainty variance var std mean logsumexp lse energy kl kld
        correct is_correct wrong hit hits valid is_valid mask masked is_masked ignore
        weight weights sample_weight importance
    """,
    # How long the input was, and when and how fast it was worked on.
    "lengths and times": """
        length lengths len seq_len seq_length n_tokens num_tokens token_count tokens n_words
        num_words n_chars count counts n size width height duration time timestamp ts datetime date
        unix_time latency elapsed runtime ms seconds year month day hour age
    """,
}
_MEANING = {name: meaning for meaning, names in _MEANINGS.items() for name in names.split()}
_ENDS = (
    # study_id, docId, sample_index, image_idx: what a row is of.
    (re.compile(r".*_(id|ids|idx|index|uid|nr|no|num|number|key)"), "row ids"),
    # is_valid, has_image: yes or no.
    (re.compile(r"(is|has|was)_.*"), "figures of the row"),
    (re.compile(r"(n|num|len)_.*|.*_(len|length|count|time|ms|timestamp)"), "lengths and times"),
    (re.compile(r".*_(label|target|true|pred|prediction)|(pred|true|gold|y)_(?!\d).*"), "labels"),
    (re.compile(r".*_(loss|weight|score|entropy|conf|confidence)"), "figures of the row"),
)
_OUTPUT_WORDS = """
    logit logits raw raw_logit raw_score prob probs proba probas probability probabilities softmax
    sigmoid logprob logprobs log_prob log_probs log_softmax score scores conf confidence label
    labels target targets y y_true y_pred true pred onehot one_hot gt rank ranks std var variance
    uncertainty embedding emb feature features feat hidden calibrated class output out
"""
"""What stands before the number of a class, where it says which of several numbers it is."""


def meaning_of(name: str) -> str | None:
    """Return what people mean by a name; None where it may as well name a class.

    The names ``sampleId`` and ``Sample ID`` are read like ``sample_id``, and ``android`` is not.
    """
    plain = _plain(name)
    if not plain:
        return "row ids"  # pandas and R name an index so
    found = _MEANING.get(plain)
    return found or next((meaning for ends, meaning in _ENDS if ends.fullmatch(plain)), None)


@lru_cache(maxsize=2)
def meanings_of(names: tuple[str, ...]) -> list[str | None]:
    """Return what people mean by the names of columns; those of one numbered family are classes."""
    family = numbered(names)
    members = frozenset() if family is None else frozenset(family.names)
    return [None if name in members else meaning_of(name) for name in names]


def say_kinds(stems: Sequence[str]) -> bool:
    """Tell whether the stems of families say of several what kinds of numbers they are.

    What all stems have in common says nothing: ``cat_logit``, ``cat_prob``.
    """
    known = frozenset(_OUTPUT_WORDS.split())
    words = [_plain(stem).strip("_") for stem in stems]
    if sum(word in known for word in words) > 1:
        return True
    parts = [frozenset(word.split("_")) - {""} for word in words]
    own = [part.difference(*(x for x in parts if x != part)) for part in parts]
    return all(part <= known for part in own) and sum(map(bool, own)) > 0


def _plain(name: str) -> str:
    """Write a name in small letters, with underscores between its words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s.\-]+", "_", apart).lower()
