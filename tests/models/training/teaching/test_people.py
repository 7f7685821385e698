"""Who acts, as names tell; and what is held out together."""

from itertools import product

import pytest

from models.training.teaching.people import ALWAYS, folds, performers

LABELS = ("wave", "jumping jack")
PEOPLE = ("anna", "ben", "eva", "tom")


def clips(form):
    names, labels = [], []
    for label, person, take in product(LABELS, PEOPLE, "12"):
        names.append(form.format(label=label, person=person, take=take))
        labels.append(label)
    return names, labels


@pytest.mark.parametrize(
    "form",
    [
        "{label}/{person}/{take}.mp4",
        "{label}/{person}_{label}_{take}.mp4",
        "{label}/{person} {take}.mp4",
        "{label}/{label}-{take}-{person}.mp4",
    ],
)
def test_names_and_folders_tell_who_acts(form):
    names, labels = clips(form)
    expected = [person for _, person, _ in product(LABELS, PEOPLE, "12")]
    assert performers(names, labels) == expected


@pytest.mark.parametrize("form", ["{label}/{take}.mp4", "{label}/video_{take}.mp4", "{label}.mp4"])
def test_numbers_and_words_that_all_have_are_nobody(form):
    names, labels = clips(form)
    assert performers(names, labels) is None


def test_a_word_of_one_label_alone_is_nobody():
    names = ["wave/hello_1.mp4", "wave/hello_2.mp4", "clap/applause_1.mp4", "clap/bravo_2.mp4"]
    assert performers(names, ["wave", "wave", "clap", "clap"]) is None


def test_people_are_held_out_whole():
    names, labels = clips("{label}/{person}/{take}.mp4")
    people = performers(names, labels)
    parts = folds(labels, people)
    assert len({(person, part) for person, part in zip(people, parts, strict=True)}) == len(PEOPLE)
    assert set(parts) == {0, 1, 2}


def test_a_label_of_one_person_is_divided_by_clip():
    labels = ["wave", "wave", "clap", "clap", "wave", "clap"]
    people = ["anna", "ben", "ben", "ben", "anna", "ben"]
    parts = folds(labels, people)
    assert parts == folds(labels, None) == [0, 1, 0, 1, 2, 2]


def test_the_only_clip_of_a_label_is_never_held_out():
    assert folds(["wave", "wave", "clap"], None) == [0, 1, ALWAYS]
