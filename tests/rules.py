"""Each safeguard with the promise it keeps, the lines that are it, and a test that fails without them.

    .venv/bin/python -m tests.rules [NAME ...]

takes each safeguard out of a copy of the tree, runs its test there, and says which tests did not notice. Promises are
numbered as in SECURITY.md. What is C (locked memory, masks) is not here: a copy would have to be compiled.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
WITHIN_S = 240
MARK = "STILLROOM_RULES_TREE"
NOTICED, UNNOTICED, NOT_RUN = "noticed", "NOT NOTICED", "not run here"


@dataclass(frozen=True)
class Rule:
    """`old`, once in `file` (below runtime/stillroom, or release/..., tools/...), becomes `new`; then `test` fails."""

    promise: int
    name: str
    file: str
    old: str
    new: str
    test: str


RULES = (
    Rule(
        4, "a key is named in the role it was made for", "tools/stillroom_tools/site/public_file.py",
        "if not isinstance(named, Signs) or named.role != role:", "if not isinstance(named, Signs):",
        "tests/site/test_signers.py::test_a_key_is_taken_for_the_role_it_was_made_for_and_for_no_other",
    ),
    Rule(
        3, "a unit's answer is its card's", "tools/stillroom_tools/make/batch_collect.py",
        "proven = [one for one in answers if card.is_proven(one.answer, record.token)]", "proven = list(answers)",
        "tests/make/test_batch.py::test_an_answer_without_the_cards_token_is_not_taken",
    ),
    Rule(
        3, "what was checked is what is enrolled", "tools/stillroom_tools/make/manifest.py",
        "        _named(note, read_bounded(note), one.request),\n", "        read_bounded(note),\n",
        "tests/make/test_enrol.py::test_what_was_checked_is_what_is_enrolled",
    ),
    Rule(
        3, "papers are for the unit's own key", "tools/stillroom_tools/make/papers.py",
        "if (enrolled.unit, enrolled.sign) != (ring.name, ring.signing.verify_key.raw):", "if False:",
        "tests/make/test_enrol.py::test_anothers_papers_are_not_taken",
    ),
    Rule(
        2, "the authority never changes under a unit", "tools/stillroom_tools/site/authorise.py",
        "    if pinned != own:", "    if False:",
        "tests/site/test_signers.py::test_a_unit_that_obeys_another_authority_is_given_nothing",
    ),
    Rule(
        2, "a keeper cannot choose whom its unit obeys", "keeper/main.py",
        "write=(state, settings.path(paths.trust), settings.path(paths.run)),", "write=(settings.folder,),",
        "tests/test_guarded.py::test_who_has_taken_a_process_over_can_do_no_more_than_it_must",
    ),
    Rule(
        2, "a unit that obeys somebody is not of the factory", "selftest_leave.py",
        "return not unit.authority and not kept", "return not kept",
        "tests/test_selftest_leave.py::test_whoever_empties_trust_and_state_has_not_made_it_of_no_site",
    ),
    Rule(
        3, "the key before signs the one after", "tools/stillroom_tools/make/rotate.py",
        "    open_note(request, KINDS[Enrolment], Enrolment, [admit.signer_named(known)])\n", "",
        "tests/make/test_rotate.py::test_what_is_refused",
    ),
    Rule(
        3, "a certificate goes to the key that the unit signed for", "tools/stillroom_tools/make/rotate.py",
        "if own != OwnRequest(enrolment.site, enrolment.unit, manifest.sha256(asked)):", "if False:",
        "tests/make/test_rotate.py::test_a_certificate_goes_to_the_units_own_key_alone",
    ),
    Rule(
        3, "keys before are destroyed once told of", "keeper/rotated.py",
        "                destroy(place)\n", "                pass\n",
        "tests/make/test_rotate.py::test_the_keys_before_are_destroyed_once_the_chain_has_told",
    ),
    Rule(
        3, "a retired key is never enrolled again", "tools/stillroom_tools/site/admit.py",
        "    gone = retired.find(site, key)\n", "    gone = None\n",
        "tests/make/test_end.py::test_a_revoked_unit_is_out_and_the_others_stay",
    ),
    Rule(
        4, "a link that names a new key keeps its words", "tools/stillroom_tools/site/audit_file.py",
        "return self.is_start or self.says_damaged or self.says_rotated",
        "return self.is_start or self.says_damaged",
        "tests/make/test_rotate.py::test_retention_leaves_the_words_of_a_link_that_names_a_key",
    ),
    Rule(
        2, "systemd ends an eye that outlives its lease", "keeper/eye_life.py",
        "if self._clock.mono_ns() >= self._lit_until_ns and not self._end.exists():", "if False:",
        "tests/keeper/test_starts.py::test_systemd_is_told_that_no_eye_may_live_once_the_last_lease_is_over",
    ),
    Rule(
        8, "after ten failures nothing is sensed", "keeper/gate.py", "if situation.safe_mode:", "if False:",
        "tests/keeper/test_starts.py::test_ten_failures_of_the_eye_and_what_follows",
    ),
    Rule(
        8, "a cursor that is not obeyed is no progress", "keeper/delivery.py",
        "self.stands_still = self._outbox.settled < cursor", "pass",
        "tests/keeper/test_starts.py::test_a_cursor_that_is_not_obeyed_is_no_progress",
    ),
    Rule(
        3, "a credential that others may read is refused too", "files.py",
        "others = 0o007 if path.parent == credentials.folder() else 0o077",
        "others = 0 if path.parent == credentials.folder() else 0o077",
        "tests/test_notify.py::test_an_acls_mask_counts_among_credentials_alone",
    ),
    Rule(
        2, "a self-test of a site's unit needs what is signed for maintenance", "selftest_leave.py",
        "if one.purpose == PURPOSE)", "if True)",
        "tests/test_selftest_leave.py::test_what_is_signed_for_care_does_not_let_it_be_tested",
    ),
    Rule(
        2, "a unit with anything of a site's is not in a factory", "selftest_leave.py",
        "not kept and not any(_files_below(trust))", "True",
        "tests/test_selftest_leave.py::test_anything_of_a_site_or_of_a_keepers_ends_that",
    ),
    Rule(
        2, "a self-test's camera waits for its first lease", "eye/selftest.py",
        "    holder.wait_for_first()\n    if holder.ended.is_set():\n        return\n", "",
        "tests/test_selftest_leave.py::test_the_camera_waits_for_its_first_lease",
    ),
    Rule(
        2, "each lease of a self-test is asked for anew", "selftest_camera.py",
        "or self._done or self._against():", "or self._done:",
        "tests/test_selftest_leave.py::test_leave_that_is_taken_back_ends_the_camera_within_a_second",
    ),
    Rule(
        4, "what a revoked key signed is told", "tools/stillroom_tools/site/release/opening.py",
        'gone.paper.why == "revoked":', "False:",
        "tests/release/test_opening.py::test_what_a_revoked_key_signed_is_shown_and_that_is_said",
    ),
    Rule(
        2, "the room's button ends a self-test", "selftest_camera.py",
        "if self._light.pressed():", "if False:",
        "tests/test_selftest_pause.py::test_the_rooms_button_ends_a_self_test_and_the_unit_pauses",
    ),
    Rule(
        8, "settings with which no frame comes are rolled back", "keeper/trial.py",
        "elif self._waits_s(now_ns) > FRAMES_WITHIN_S and not self._seen:", "elif False:",
        "tests/keeper/test_trial.py::test_without_frames_the_one_before_is_in_force_again",
    ),
    Rule(
        8, "what was not tested is not passed for care", "selftest_forms.py",
        'profile == "care" or one.check == CAMERA', "one.check == CAMERA",
        "tests/test_selftest.py::test_what_was_not_tested_is_never_passed_for_care",
    ),
    Rule(
        8, "a unit whose camera was never opened has not passed", "selftest_forms.py",
        "return camera_tested(checks) and not", "return not",
        "tests/test_selftest.py::test_what_was_not_tested_is_never_passed_for_care",
    ),
    Rule(
        1, "a picture's squares are told in few greys", "eye/view.py",
        "coarse(means, greys).astype(np.uint8)", "means.astype(np.uint8)",
        "tests/eye/test_view.py::test_a_picture_of_squares_is_their_means_and_nothing_finer",
    ),
    Rule(
        4, "squares that show who somebody is are not signed by mistake", "tools/stillroom_tools/site/view_policy.py",
        'if "picture" in levels and options.least_block < DEFAULT_BLOCK and not options.recognisable:', "if False:",
        "tests/test_end_to_end_view.py::test_rules_need_a_manager_whom_the_roster_names",
    ),
    Rule(
        4, "nobody looks without a manager's policy", "permits.py",
        "if policy is None or not policy.covers(utc_ms):", "if policy is None:",
        "tests/keeper/test_views.py::test_what_goes_beyond_is_refused_and_written_down",
    ),
    Rule(
        4, "looks are counted", "keeper/views.py",
        "if len(looks) >= min(policy.looks_per_hour, limits.looks_per_hour):", "if False:",
        "tests/keeper/test_views.py::test_looks_are_counted_and_none_follows_at_once",
    ),
    Rule(
        4, "no look follows another at once", "keeper/views.py",
        "if any(utc_ms < began + policy.announce_ms + 2 * length for began, length in looks):", "if False:",
        "tests/keeper/test_views.py::test_looks_are_counted_and_none_follows_at_once",
    ),
    Rule(
        4, "the light comes before the first frame", "keeper/views.py",
        "first_ns = self._clock.mono_ns() + policy.announce_ms * NS_PER_MS", "first_ns = self._clock.mono_ns()",
        "tests/keeper/test_views.py::test_the_light_first_then_frames_then_nothing",
    ),
    Rule(
        4, "a closed gate ends a look", "keeper/unit.py",
        "self._views.stop(decision.reason)", "pass",
        "tests/keeper/test_views.py::test_whatever_closes_the_gate_ends_a_look_at_once",
    ),
    Rule(
        1, "a picture is no finer than the policy's squares", "permits.py",
        'if request.level == "picture" and request.block < policy.least_block:', "if False:",
        "tests/keeper/test_views.py::test_what_goes_beyond_is_refused_and_written_down",
    ),
    Rule(
        2, "the eye opens no camera that the authority did not sign for", "eye/main.py",
        "        if not self._wait_for_leave():\n            return\n", "",
        "tests/test_eye_refuses.py::test_without_papers_that_the_authority_signed_its_camera_stays_closed",
    ),
    Rule(
        2, "an open camera goes with its papers", "eye/main.py",
        "if self._holder.ended.is_set() or not self._may_sense():", "if self._holder.ended.is_set():",
        "tests/test_eye_refuses.py::test_an_open_camera_closes_when_what_is_shown_does_not_allow_it",
    ),
    Rule(
        2, "an open camera closes by the eye's own clock", "eye/papers.py",
        "if isinstance(found, Against) or self._clock.utc_ms() < found.until_ms:", "if True:",
        "tests/eye/test_papers.py::test_a_camera_closes_soon_after_its_authorisation_by_the_eyes_own_clock",
    ),
    Rule(
        2, "the eye reads no breathing that is not signed for", "eye/main.py",
        'current.breathing and "breathing" in signed', "current.breathing",
        "tests/test_eye_refuses.py::test_without_papers_that_the_authority_signed_its_camera_stays_closed",
    ),
    Rule(
        1, "the eye seals a look to the key of its signed request alone", "eye/papers.py",
        "if asked.view != found.view or asked.number >= found.frames:", "if asked.number >= found.frames:",
        "tests/eye/test_papers.py::test_another_session_than_the_signed_one_gets_nothing",
    ),
    Rule(
        1, "the eye seals no more frames of a look than it has", "eye/papers.py",
        "if asked.view != found.view or asked.number >= found.frames:", "if asked.view != found.view:",
        "tests/eye/test_papers.py::test_a_look_ends_by_the_eyes_own_clock_and_by_its_number_of_frames",
    ),
    Rule(
        1, "a look ends by the eye's own clock", "eye/papers.py",
        'return found if self._clock.utc_ms() < found.until_ms else Against("time", "the look is over")',
        "return found",
        "tests/eye/test_papers.py::test_a_look_ends_by_the_eyes_own_clock_and_by_its_number_of_frames",
    ),
    Rule(
        1, "the eye takes no request of another time", "eye/papers.py",
        "if not to_ms(request.at) - FRESH_MS <= utc_ms < until_ms:", "if False:",
        "tests/eye/test_papers.py::test_a_look_that_nobody_signed_for_is_not_sealed",
    ),
    Rule(
        1, "an authorisation is in force by the eye's own clock", "eye/papers.py",
        "if not paper.covers(utc_ms) or paper.overdue(utc_ms):", "if False:",
        "tests/eye/test_papers.py::test_a_look_that_nobody_signed_for_is_not_sealed",
    ),
    Rule(
        1, "no frame of a look is sealed twice", "eye/main.py",
        "return asked if asked.number > self._papers.last_sealed(look) else None", "return asked",
        "tests/test_eye_refuses.py::test_a_keeper_that_was_taken_over_gets_no_frame_that_nobody_signed_for",
    ),
    Rule(
        1, "in an eye's life no roster goes back", "eye/papers.py",
        "if before is not None and roster.version < before.version:", "if False:",
        "tests/eye/test_papers.py::test_in_one_life_no_older_roster_or_policy_comes_back",
    ),
    Rule(
        1, "in an eye's life no policy goes back", "eye/papers.py",
        "if policy.version < self._policy_version:", "if False:",
        "tests/eye/test_papers.py::test_in_one_life_no_older_roster_or_policy_comes_back",
    ),
    Rule(
        1, "in an eye's life the authority alone is rid of no approver", "eye/papers.py",
        "before.approver_signers if before is not None else ()", "()",
        "tests/eye/test_papers.py::test_who_is_an_approver_is_not_the_authoritys_word_alone",
    ),
    Rule(
        1, "an authorisation needs its approver for the eye too", "permits.py",
        "approvers = roster.approver_signers if issubclass(schema, Authorisation) else ()", "approvers = ()",
        "tests/eye/test_papers.py::test_who_is_an_approver_is_not_the_authoritys_word_alone",
    ),
    Rule(
        1, "only a viewer asks for a look", "permits.py",
        'ViewRequest: ("viewer",),', 'ViewRequest: ("viewer", "manager"),',
        "tests/eye/test_papers.py::test_a_look_that_nobody_signed_for_is_not_sealed",
    ),
    Rule(
        6, "the eye records under the release that it was shown alone", "eye/papers.py",
        "if asked.release != found.id:", "if False:",
        "tests/eye/test_papers.py::test_another_session_than_the_signed_one_gets_nothing",
    ),
    Rule(
        6, "a recording begins by the eye's own clock", "eye/papers.py",
        "if utc_ms < to_ms(paper.start):", "if False:",
        "tests/eye/test_papers.py::test_a_recording_that_two_did_not_sign_for_is_not_sealed",
    ),
    Rule(
        6, "a recording ends by the eye's own clock", "eye/papers.py",
        'return found if self._clock.utc_ms() < found.until_ms else Against("over", "the release is over")',
        "return found",
        "tests/eye/test_papers.py::test_a_recording_ends_by_the_eyes_own_clock",
    ),
    Rule(
        4, "what the eye refuses is written down", "keeper/unit.py",
        'self._audit.append(self._clock.utc_ms(), "eye-refused", of=message.what, why=message.why)', "pass",
        "tests/keeper/test_views.py::test_what_an_eye_refuses_is_audited_and_a_condition_until_nobody_looks",
    ),
    Rule(
        1, "pixels are wiped once they are sealed", "view_seal.py",
        """        self._plain[:] = _ZEROS
        if failed:""", "        if failed:",
        "tests/eye/test_view.py::test_pixels_are_wiped_once_they_are_sealed",
    ),
    Rule(
        6, "it takes two to let a unit record", "release_rules.py",
        "pair = next((pair for pair in pairs if _are_two(pair, paper, roster)), None)",
        "pair = next(iter(pairs), None)",
        "tests/release/test_refused.py::test_anybody_else_is_refused_from_afar_and_in_the_folder",
    ),
    Rule(
        6, "two people have two names and two keys", "release_rules.py",
        "first.name != second.name and first.key != second.key",
        "first != second",
        "tests/release/test_refused.py::test_anybody_else_is_refused_from_afar_and_in_the_folder",
    ),
    Rule(
        6, "the custodian lets nobody record", "release_rules.py",
        "return apart and not any(is_custodian(one, paper, roster) for one in pair)",
        "return apart",
        "tests/release/test_refused.py::test_who_is_the_custodian_too_does_not_count",
    ),
    Rule(
        6, "a release is for a custodian of the roster", "permits.py",
        "if custodian(paper, roster, utc_ms) is None:",
        "if False:",
        "tests/release/test_refused.py::test_what_lies_in_the_folder_is_judged_too",
    ),
    Rule(
        6, "the room's authorisation must allow a recording", "permits.py",
        'if "release" not in allowed.scopes:',
        "if False:",
        "tests/release/test_refused.py::test_the_authorisation_of_the_room_must_allow_it_too",
    ),
    Rule(
        6, "a release is for one room", "permits.py",
        "if allowed.room != paper.room:",
        "if False:",
        "tests/release/test_refused.py::test_what_lies_in_the_folder_is_judged_too",
    ),
    Rule(
        6, "a paper is for one unit", "permits.py",
        "if of_site != site or of_unit not in (None, unit):",
        "if False:",
        "tests/release/test_refused.py::test_what_lies_in_the_folder_is_judged_too",
    ),
    Rule(
        6, "a release ends with its time", "permits.py",
        "if latest_ms >= to_ms(paper.until):",
        "if False:",
        "tests/release/test_recording.py::test_the_light_first_then_chunks_then_an_end_that_is_signed",
    ),
    Rule(
        6, "a release that was taken back never comes back", "release/stillroom_release/papers.py",
        "elif paper.id not in self.withdrawn:",
        "else:",
        "tests/release/test_recording.py::test_a_withdrawn_release_never_comes_back",
    ),
    Rule(
        6, "no recording without space for all of it", "release/stillroom_release/keeper.py",
        'return "space" if self._free_bytes() < left + self._means.reserve_bytes else ""',
        'return ""',
        "tests/release/test_recording.py::test_a_release_without_space_is_refused_and_begins_when_there_is_some",
    ),
    Rule(
        6, "no recording is larger than its release says", "release/stillroom_release/recording.py",
        "if self.total_bytes + len(block) + LAST_BYTES > self.paper.max_mb * MB:",
        "if False:",
        "tests/release/test_recording.py::test_no_more_than_its_size_is_written",
    ),
    Rule(
        6, "a full card leaves no half block", "release/stillroom_release/shelf.py",
        "        with suppress(OSError):\n            os.ftruncate(descriptor, size)\n",
        "",
        "tests/release/test_recording.py::test_a_card_that_fills_ends_it_and_leaves_what_was_written_whole",
    ),
    Rule(
        6, "what was recorded is deleted in its time", "release/stillroom_release/expiry.py",
        "if known.latest_ms >= expires_ms and folder.name != running:",
        "if False:",
        "tests/release/test_recording.py::test_what_expired_is_deleted_while_it_runs_or_at_the_next_start",
    ),
    Rule(
        6, "a note on the card lengthens nothing", "release/stillroom_release/expiry.py",
        "found = [self._means.outbox.recall(_EXPIRES + folder.name), _of_note(folder / NOTE_FILE)]",
        "found = [_of_note(folder / NOTE_FILE)]",
        "tests/release/test_recording.py::test_a_note_on_the_card_cannot_make_it_last_longer",
    ),
    Rule(
        6, "recorded pixels are wiped once they are sealed", "release/stillroom_release/seal.py",
        "        lib.sodium_memzero(ffi.from_buffer(plain), size)\n",
        "",
        "tests/release/test_eye.py::test_pixels_and_key_are_overwritten_once_they_are_sealed",
    ),
    Rule(
        6, "the unit cannot open what it has sealed", "release/stillroom_release/seal.py",
        "        lib.sodium_memzero(key, KEY_BYTES)\n",
        "",
        "tests/release/test_eye.py::test_pixels_and_key_are_overwritten_once_they_are_sealed",
    ),
    Rule(
        6, "what was not sealed at an end is wiped", "release/stillroom_release/eye.py",
        "wipe(self._plain)",
        "pass",
        "tests/release/test_eye.py::test_what_is_not_sealed_at_the_end_is_overwritten",
    ),
    Rule(
        6, "without the package no release is taken", "keeper/commands.py",
        'if part("keeper") is None:',
        "if False:",
        "tests/release/test_package.py::test_a_unit_without_it_refuses_in_one_line_and_never_asks_its_eye",
    ),
    Rule(
        4, "the light comes before the first recorded frame", "release/stillroom_release/recording.py",
        "self._began_ns = clock.mono_ns() + ANNOUNCE_MS * NS_PER_MS",
        "self._began_ns = clock.mono_ns()",
        "tests/release/test_recording.py::test_the_light_first_then_chunks_then_an_end_that_is_signed",
    ),
    Rule(
        4, "the light says that it is recorded", "keeper/unit.py",
        '"recorded": self._releases.announced',
        '"recorded": False',
        "tests/release/test_recording.py::test_the_light_first_then_chunks_then_an_end_that_is_signed",
    ),
    Rule(
        4, "a closed gate ends a recording", "keeper/unit.py",
        "self._releases.stop(decision.reason)",
        "pass",
        "tests/release/test_recording.py::test_whatever_closes_the_gate_ends_it_at_once",
    ),
    Rule(
        4, "a block of a recording is signed by its unit", "release_wire.py",
        "if not unit.verifies(_SIGN_DOMAIN + block.link, block.signature):",
        "if False:",
        "tests/release/test_eye.py::test_every_bit_counts",
    ),
    Rule(
        4, "a chunk that is missing shows", "tools/stillroom_tools/site/release/follow.py",
        "elif number > self._next:",
        "elif False:",
        "tests/release/test_opening.py::test_each_thing_that_was_done_to_it_is_a_line_and_the_rest_is_shown",
    ),
    Rule(
        4, "a file that was cut off shows", "tools/stillroom_tools/site/release/follow.py",
        "        if not self.ended:",
        "        if False:",
        "tests/release/test_opening.py::test_each_thing_that_was_done_to_it_is_a_line_and_the_rest_is_shown",
    ),
    Rule(
        4, "a custodian opens nothing after its time", "tools/stillroom_tools/site/release/opening.py",
        "if expired(paper, clock.utc_ms()):",
        "if False:",
        "tests/release/test_opening.py::test_after_its_time_nothing_is_opened",
    ),
    Rule(
        4, "a custodian's openings are listed", "tools/stillroom_tools/site/release/opening.py",
        "log.add(ring.name, OPENED, path.name[:100])",
        "pass",
        "tests/release/test_opening.py::test_it_opens_and_shows_and_lists_what_it_opened",
    ),
    Rule(
        5, "a room is used only after as long a time without doubt", "eye/empty_picture.py",
        "            if self._has_pending:", "            if True:",
        "tests/eye/test_view.py::test_a_room_is_learned_only_after_as_long_a_time_without_doubt_again",
    ),
    Rule(
        1, "a passed descriptor ends the link", "link.py",
        'if flags & socket.MSG_CTRUNC:', "if False:",
        "tests/test_link.py::test_a_passed_descriptor_ends_the_link_and_is_not_received",
    ),
    Rule(
        1, "an eye says only what the table holds", "link.py",
        'tag="hello", forbid_unknown_fields=True', 'tag="hello"',
        "tests/test_link.py::test_what_is_not_a_message_of_this_link_ends_it",
    ),
    Rule(
        1, "no network for the eye and the keeper", "guard_calls.py",
        'Rule("socket", NO_FAMILY, When(0, allowed, among=False)),', "",
        "tests/test_guard_filter.py::test_sockets",
    ),
    Rule(
        1, "no socket for the eye but its link", "eye/main.py",
        'guard.connected("eye")', "",
        "tests/test_guarded.py::test_who_has_taken_a_process_over_can_do_no_more_than_it_must[eye]",
    ),
    Rule(
        1, "no door of the keeper's for the courier but its own", "courier/main.py",
        'guard.connected("courier")', "",
        "tests/test_guarded.py::test_who_has_taken_a_process_over_can_do_no_more_than_it_must[courier]",
    ),
    Rule(
        1, "no key, camera or writing beyond what is needed", "guard.py",
        "_tried(lambda: guard_files.restrict(files))", '""',
        "tests/test_guarded.py::test_who_has_taken_a_process_over_can_do_no_more_than_it_must",
    ),
    Rule(
        1, "what is hidden is left out", "guard_files.py",
        "if any(path.is_relative_to(one) for one in secret):", "if False:",
        "tests/test_guard.py::test_what_is_hidden_is_left_out_of_every_folder",
    ),
    Rule(
        1, "no other program", "guard_calls.py",
        "_ALL = PROGRAMS + PROCESSES", "_ALL = PROCESSES",
        "tests/test_guarded.py::test_what_only_an_attacker_asks_for_ends_the_process",
    ),
    Rule(
        1, "no other process", "guard_calls.py",
        "_ALL = PROGRAMS + PROCESSES", "_ALL = PROGRAMS",
        "tests/test_guard_filter.py::test_what_no_process_may",
    ),
    Rule(
        1, "no looking into others", "guard_calls.py",
        "+ OTHERS + MACHINE", "+ MACHINE",
        "tests/test_guard_filter.py::test_what_no_process_may",
    ),
    Rule(
        1, "no way past the filter", "guard_calls.py",
        "+ PAST_THE_FILTER + OWN_GUARDS", "+ OWN_GUARDS",
        "tests/test_guard_filter.py::test_what_no_process_may",
    ),
    Rule(
        1, "no undoing of guards", "guard_calls.py",
        "+ OWN_GUARDS + OUTLASTS", "+ OUTLASTS",
        "tests/test_guard_filter.py::test_what_no_process_may",
    ),
    Rule(
        1, "another machine's calls kill", "guard_filter.py",
        "Step(_EQUAL, 1, 0, machine.audit)", "Step(_EQUAL, 1, 1, machine.audit)",
        "tests/test_guard_filter.py::test_another_machines_calls_kill_and_newer_ones_do_not_exist",
    ),
    Rule(
        1, "no new privileges", "guard.py",
        "    _prctl(_PR_SET_NO_NEW_PRIVS, 1)", "    pass",
        "tests/test_guard.py::test_new_privileges",
    ),
    Rule(
        1, "the same user sees no memory", "guard.py",
        "    undumpable()\n", "",
        "tests/test_guarded.py::test_who_has_taken_a_process_over_can_do_no_more_than_it_must[eye]",
    ),
    Rule(
        1, "care takes only a real camera", "config_together.py",
        'if config.profile == "care" and config.camera.kind != OWN_CAMERA:', "if False:",
        "tests/test_config.py::test_what_is_wrong_is_said_with_its_place",
    ),
    Rule(
        2, "an authorisation that was taken back opens nothing", "keeper/gate.py",
        "[a for a in authorisations if a.id not in withdrawn]", "list(authorisations)",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "before its beginning it opens nothing", "keeper/gate.py",
        "[a for a in standing if to_ms(a.start) <= time.earliest_ms]", "standing",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "after its end it opens nothing", "keeper/gate.py",
        "[a for a in begun if time.latest_ms < to_ms(a.until)]", "begun",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "an unsure clock closes", "keeper/gate.py", 'if situation.time.source == "unsure":', "if False:",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "a review that is overdue closes", "keeper/gate.py",
        "[a for a in current if not a.overdue(time.latest_ms)]", "current",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "a halt closes", "keeper/gate.py", "if situation.halted:", "if False:",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "a pause closes", "keeper/gate.py", "if situation.paused:", "if False:",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "a moved camera closes", "keeper/gate.py", "if situation.camera_moved:", "if False:",
        "tests/keeper/test_gate.py::test_row",
    ),
    Rule(
        2, "another's cursor tells no time", "keeper/delivery.py",
        "return self.before(down.cursor) if down.cursor > self._had else self._began_ns",
        "return self.before(down.cursor)",
        "tests/keeper/test_known.py::"
        "test_an_expired_authorisation_stays_closed_when_a_record_with_anothers_cursor_was_held_back",
    ),
    Rule(
        2, "an id is used once", "keeper/commands.py", "if standing != document:", "if False:",
        "tests/keeper/test_commands.py::"
        "test_an_older_authorisation_does_not_take_the_place_of_a_narrower_one_under_its_id",
    ),
    Rule(
        2, "a damaged card rids nobody of the second signer", "keeper/delivery.py",
        "if forgotten and not outbox.is_as_kept(_APPROVERS, _lines_of(roster)):", "if False:",
        "tests/site/test_approvers.py::test_a_damaged_card_does_not_rid_the_authority_of_them",
    ),
    Rule(
        2, "a withdrawal is for good", "keeper/taken_back.py",
        "self.withdrawn |= papers.withdrawn", "self.withdrawn = papers.withdrawn",
        "tests/keeper/test_unit.py::test_a_withdrawal_halts_at_once_and_for_good",
    ),
    Rule(
        2, "a closed gate halts the eye", "keeper/eye_life.py", "self._eye.send(Halt())", "pass",
        "tests/keeper/test_unit.py::test_a_withdrawal_halts_at_once_and_for_good",
    ),
    Rule(
        2, "the kernel ends an eye without a lease", "eye/lease.py",
        "signal.setitimer(signal.ITIMER_REAL, seconds)", "pass",
        "tests/eye/test_lease.py::test_when_leases_stop_the_kernel_ends_it",
    ),
    Rule(
        2, "no lease outlives a second", "link.py",
        "ttl_ms: Annotated[int, Meta(ge=1, le=950)]", "ttl_ms: Annotated[int, Meta(ge=1)]",
        "tests/test_link.py::test_a_lease_is_shorter_than_a_second",
    ),
    Rule(
        2, "an eye that arms its own lease is ended from outside", "run.py",
        "self._eye.signal(signal.SIGKILL)", "pass",
        "tests/test_guarded.py::test_an_eye_that_disarms_its_own_lease_is_ended_from_outside",
    ),
    Rule(
        2, "a document is signed by whom it must be", "note_reading.py",
        "if not signer.key.verifies(text, signature):", "if False:",
        "tests/test_notes.py::test_every_byte_counts",
    ),
    Rule(
        3, "a record is signed by its unit", "wire.py",
        "if not key.verifies(_SIGN_DOMAIN + signed, signature):", "if False:",
        "tests/test_wire.py::test_every_bit_counts",
    ),
    Rule(
        3, "a record is of its lane", "wire.py", "if record.lane != lane:", "if False:",
        "tests/test_wire.py::test_a_record_of_one_lane_is_none_of_another",
    ),
    Rule(
        3, "all recipients read one thing", "wire.py",
        "if not same(commitment, associated[start:]):", "if False:",
        "tests/test_wire.py::test_two_recipients_never_read_two_things",
    ),
    Rule(
        3, "a record has one size", "wire.py",
        '.ljust(_plain_bytes(wraps), b"\\0")', "",
        "tests/test_wire.py::test_one_size_whatever_the_body",
    ),
    Rule(
        3, "a record is taken once", "replay.py", "if window >> -ahead & 1:", "if False:",
        "tests/test_receiver.py::test_each_record_once",
    ),
    Rule(
        3, "what was seen is of one key", "replay.py",
        "if seen is None or not seen.is_of(record.sender):", "if seen is None:",
        "tests/test_receiver.py::test_a_unit_with_new_keys_and_a_fresh_card_is_no_rolled_back_one",
    ),
    Rule(
        3, "a key that nothing can be sealed to is in no document", "documents.py",
        "    if not can_receive(raw):", "    if False:",
        "tests/test_vectors.py::test_notes",
    ),
    Rule(
        3, "a copied key is told", "replay.py", "if record.boot.id != seen.boot_id:", "if False:",
        "tests/test_receiver.py::test_a_copied_key_or_a_card_put_back_is_told",
    ),
    Rule(
        3, "a key that others may read is refused", "files.py",
        "if private and found.st_mode & others:", "if False:",
        "tests/test_keys.py::test_a_key_that_others_may_touch_is_refused",
    ),
    Rule(
        4, "an audit link follows from the one before", "chain.py", "if head != link.head:", "if False:",
        "tests/keeper/test_outbox.py::test_a_chain_that_was_touched_does_not_verify",
    ),
    Rule(
        4, "an audit link is signed by the unit", "chain.py",
        "if not key.verifies(signed_part(index, head), link.signature):", "if False:",
        "tests/keeper/test_outbox.py::test_a_chain_that_was_touched_does_not_verify",
    ),
    Rule(
        4, "a chain that begins anew excuses nothing that was delivered", "chain.py",
        "if heads.get(after[0]) != after[1]:", "if False:",
        "tests/site/test_audit.py::test_a_damage_excuses_nothing_else",
    ),
    Rule(
        4, "no index is signed under two heads", "keeper/shelf.py",
        "        elif self._marks.state.link > (self.last_link() or (0, b\"\"))[0]:", "        elif False:",
        "tests/keeper/test_outbox_damage.py::test_a_card_that_forgot_links_signs_none_of_them_again",
    ),
    Rule(
        7, "links of the chain that gave way go later", "keeper/outbox.py",
        "number = self._put_links_back(number, utc_ms)", "pass",
        "tests/keeper/test_outbox_room.py::test_links_of_the_chain_give_way_after_changes_and_go_later",
    ),
    Rule(
        6, "no core file", "guard.py",
        "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))", "    pass",
        "tests/test_guard.py::test_core_dump[no_core]",
    ),
    Rule(
        6, "not dumpable", "guard.py",
        "    _prctl(_PR_SET_DUMPABLE, 0)", "    pass",
        "tests/test_guard.py::test_core_dump[undumpable]",
    ),
    Rule(
        6, "memory is locked", "guard.py",
        "return bool(ctypes.CDLL(None).mlockall(_LOCK_ALL) == 0)", "return True",
        "tests/test_guard.py::test_swap",
    ),
    Rule(
        6, "care does not start without its guards", "guard.py",
        "        insist(process, found)", "        pass",
        "tests/test_guarded.py::test_care_does_not_start_without_a_guard_and_says_what_to_do",
    ),
    Rule(
        6, "the eye and the courier write no file", "guard_calls.py",
        "NO_WRITING: Group = _FILES + _opens(_WRITES)", "NO_WRITING: Group = _FILES",
        "tests/test_guard_filter.py::test_eye_and_courier_make_and_write_no_file",
    ),
    Rule(
        6, "no memory that outlasts a process", "guard_calls.py",
        "+ OWN_GUARDS + OUTLASTS", "+ OWN_GUARDS",
        "tests/test_guard_filter.py::test_what_no_process_may",
    ),
    Rule(
        6, "private zones are masked in the first pass", "eye/distil.py",
        "masked = _pointer(mask.cells)", "pass",
        "tests/eye/test_distil.py::test_equals_numpy_with_mask_and_previous",
    ),
    Rule(
        6, "nothing of a picture stays in a model's input", "eye/interpreter.py",
        "        finally:\n            self._view()[...] = 0", "        finally:\n            pass",
        "tests/eye/test_interpreter.py",
    ),
    Rule(
        7, "a cursor deletes only what was promised", "keeper/outbox.py",
        "if highest > max(self.accepted, self._marks.state.numbers):", "if False:",
        "tests/keeper/test_outbox.py::test_a_cursor_beyond_every_number_promised_is_refused_and_deletes_nothing",
    ),
    Rule(
        7, "a broker's word settles nothing where there is a gateway", "keeper/delivery.py",
        'if self.roster.delivery == "puback":', "if True:",
        "tests/keeper/test_unit.py::test_pubacks_settle_nothing_where_there_is_a_gateway",
    ),
    Rule(
        8, "what an eye says behind a closed gate is not heard", "keeper/unit.py",
        "        if isinstance(message, Observation):\n            self._model = message.model\n"
        "            if self._gate.decision.open:",
        "        if isinstance(message, Observation):\n            self._model = message.model\n            if True:",
        "tests/keeper/test_unit.py::test_what_an_eye_says_while_the_gate_is_closed_is_not_heard",
    ),
    Rule(
        8, "a rhythm of breathing alone is no condition", "keeper/conditions.py",
        '"unknown" if by_breath or self._unproved else state', '"unknown" if self._unproved else state',
        "tests/keeper/test_conditions.py::test_a_rhythm_alone_in_an_empty_room_is_no_condition",
    ),
    Rule(
        8, "an empty room after a covered camera ends no condition", "keeper/conditions.py",
        '"unknown" if by_breath or self._unproved else state', '"unknown" if by_breath else state',
        "tests/keeper/test_conditions.py::test_what_must_not_clear_it",
    ),
    Rule(
        8, "a sleeper is not gone when a visitor goes", "keeper/state.py",
        "if not self._visits.over_sleeper:", "if True:",
        "tests/keeper/test_states.py::test_a_nurse_who_looks_in_and_goes_leaves_the_sleeper_in_bed",
    ),
    Rule(
        8, "what one room's resident needs is not asked for in another's", "keeper/settings.py",
        "changes.conditions is not None and changes.conditions.room == room", "changes.conditions is not None",
        "tests/keeper/test_configuration.py::test_without_them_and_in_another_room_the_same_is_no_condition",
    ),
    Rule(
        8, "a configuration that cannot be does not take the place of one that can", "keeper/commands.py",
        "check(self._installed, document)", "pass",
        "tests/keeper/test_configuration.py"
        "::test_what_cannot_be_applied_is_refused_and_the_one_before_stays_over_a_restart",
    ),
    Rule(
        2, "a halt is heard however many there are", "keeper/commands.py",
        "if not isinstance(document, Halt | Withdrawal | ReleaseWithdrawal):", "if True:",
        "tests/keeper/test_halt.py::test_it_is_heard_however_many_there_are",
    ),
    Rule(
        2, "a damaged card that has forgotten what was taken back revives nothing", "keeper/taken_back.py",
        "return not self.forgot or", "return True or",
        "tests/keeper/test_storage.py::test_a_withdrawal_outlives_database_and_file_until_somebody_signs_anew",
    ),
    Rule(
        8, "a keeper that starts anew wipes no lens", "keeper/faults.py",
        "for code, level in standing.items()", "for code, level in ()",
        "tests/keeper/test_camera.py::test_a_cover_stands_until_the_next_eye_sees",
    ),
    Rule(
        8, "behind a cover that was there before it an eye sees no dark room", "keeper/camera.py",
        'if health == "dark" and not self._seen and self._faults.stands(covered):', "if False:",
        "tests/keeper/test_camera.py::test_a_cover_stands_until_the_next_eye_sees",
    ),
    Rule(
        8, "no row switches a technical condition off", "keeper/faults.py",
        "if row is None or lasted_ns", "if row is not None and lasted_ns",
        "tests/keeper/test_technical.py::test_where_no_row_covers_the_time_of_day_it_is_technical_and_never_off",
    ),
    Rule(
        8, "a start of the unit ends no alert that it still knows", "tools/stillroom_tools/site/gateway/alerts.py",
        "alert.kind not in given.standing | {UNIT_SILENT}", "alert.kind != UNIT_SILENT",
        "tests/site/test_alerts.py::test_lives",
    ),
    Rule(
        8, "an eye that falls silent is a condition", "keeper/unit.py",
        'self._faults.say("camera-silent", silent, "no picture for two seconds")', "pass",
        "tests/keeper/test_unit.py::test_an_eye_that_falls_silent_is_unknown_and_a_condition",
    ),
    Rule(
        4, "no advocate is told by a record that came before", "receiver.py",
        "seen, _ = advance(before, verified.record)", "seen, _ = advance(None, verified.record)",
        "tests/site/test_advocate.py::test_a_replayed_record_and_a_forged_one_tell_nothing",
    ),
    Rule(
        4, "a late record tells an advocate nothing new", "tools/stillroom_tools/site/advocate_heads.py",
        "if not told.late and", "if",
        "tests/site/test_advocate.py::test_a_late_record_does_not_put_heads_out_of_order",
    ),
    Rule(
        4, "a chain holds every head that an advocate was told", "tools/stillroom_tools/site/heads_file.py",
        "if place <= last:", "if False:",
        "tests/site/test_advocate.py::test_last_links_left_out_are_noticed_with_the_heads_and_not_without",
    ),
    Rule(
        4, "a unit that told nothing is held to nothing", "tools/stillroom_tools/site/heads_file.py",
        "if not any(one.told for one in units if", "if not any(True for one in units if",
        "tests/site/test_advocate.py::test_a_unit_that_told_nothing_is_held_to_nothing",
    ),
    Rule(
        4, "what was signed is done once", "keeper/asks.py",
        "if self._before.has(kind, by, at_ms, ask):", "if False:",
        "tests/keeper/test_signed_before.py::test_what_was_signed_is_written_down_once_however_often_it_comes",
    ),
    Rule(
        4, "what was forgotten does not come again", "keeper/signed_before.py",
        "at_ms <= before.floor_ms or", "",
        "tests/keeper/test_signed_before.py::test_what_was_forgotten_is_refused_too",
    ),
    Rule(
        4, "commands in vain cause few links", "keeper/restraint.py",
        "if full_ns - now_ns > BURST * each_ns:", "if False:",
        "tests/keeper/test_signed_before.py::test_a_gateway_cannot_fill_the_chain",
    ),
    Rule(
        4, "links lead to the head that the unit tells", "tools/stillroom_tools/site/gateway/chains.py",
        "return (self.index, self.head) == (told.links, told.head)", "return True",
        "tests/site/test_chains.py::test_a_link_taken_out_of_the_database_is_an_alarm",
    ),
    Rule(
        7, "what retention has deleted is no news", "tools/stillroom_tools/site/gateway/forgotten.py",
        "return bool(entry.number <= number and entry.accepted_ms <= accepted_ms)", "return False",
        "tests/site/test_retention.py::test_what_was_deleted_and_comes_again_is_no_news",
    ),
    Rule(
        7, "what was never here is news, whatever was deleted", "tools/stillroom_tools/site/gateway/batch.py",
        "(settled and self._forgotten.has(unit, entry))", "self._forgotten.has(unit, entry)",
        "tests/site/test_retention.py::test_a_number_that_never_came_is_new_however_late",
    ),
    Rule(
        4, "who watched is known for as long as what was seen", "tools/stillroom_tools/site/gateway/settings.py",
        "if self.audit_days < days:", "if False:",
        "tests/site/test_retention.py::test_contradictions_are_one_line",
    ),
    Rule(
        4, "retention leaves an audit chain its proofs", "tools/stillroom_tools/site/gateway/retention.py",
        'gone = [row.id for row in rows if row.kind not in STAY]', "gone = [row.id for row in rows]",
        "tests/site/test_retention_chain.py::test_a_chain_without_words_leads_to_the_units_head_and_goes_on",
    ),
    Rule(
        4,
        "what is erased on somebody's wish takes its key with it",
        "tools/stillroom_tools/site/gateway/erasing.py",
        "        had = database.keys.destroy(room, day)",
        "        had = True",
        "tests/site/test_erasing.py::test_nothing_is_in_the_files_their_log_or_free_pages",
    ),
    Rule(
        4,
        "a time that was erased stays closed",
        "tools/stillroom_tools/site/gateway/erasures.py",
        "        return any(wish.covers(entry.at_ms, entry.event.retention) for wish in wishes)",
        "        return False",
        "tests/site/test_erasing.py::test_what_comes_again_or_late_is_not_kept_and_no_alert",
    ),
    Rule(
        4, "an erasure never reaches into the time to come", "tools/stillroom_tools/site/rights/wishes.py",
        "                self._refuse_to_come(wish)\n", "",
        "tests/site/test_rights.py::test_an_order_for_a_time_to_come_is_put_aside",
    ),
    Rule(
        7, "an old erasure closes nothing to come", "tools/stillroom_tools/site/gateway/erasures.py",
        "            wish = self.past(asked)\n", "            wish = asked\n",
        "tests/site/test_erasing.py::test_what_was_to_come_when_it_was_erased_is_open_again",
    ),
    Rule(
        4, "an older rights log with its older end is missed", "tools/stillroom_tools/site/rights/record.py",
        "    _refuse_before_noted(site, heads)\n", "",
        "tests/site/test_rights.py::test_another_log_of_the_same_length_is_known_too",
    ),
    Rule(
        4, "a line of the rights log without a receipt is missed", "tools/stillroom_tools/site/rights/record.py",
        "    _refuse_other_end(site, heads)\n", "",
        "tests/site/test_rights.py::test_a_line_that_has_no_receipt_is_missed_too",
    ),
    Rule(
        3, "keys that were rotated wait encrypted", "tools/stillroom_tools/make/key_place.py",
        "        _encrypt(NEXT_FILE, encode_keys(ring))",
        "        replace_file(_credential(NEXT_FILE), encode_keys(ring), 0o600)",
        "tests/make/test_rotate.py::test_where_keys_are_encrypted_they_stay_so_at_every_step",
    ),
    Rule(
        3, "no number that was left out can be computed", "tools/stillroom_tools/site/disclosure/suppress.py",
        "        if high - low >= WIDTH:", "        if True:",
        "tests/site/test_disclosure.py::test_a_small_number_beside_its_margins_is_computed_where_nothing_more_is_left_out",
    ),
    Rule(
        3, "a file that an attack breaks is refused", "tools/stillroom_tools/site/disclosure/verdict.py",
        "if r.risk > most", "if False",
        "tests/site/test_export.py::test_a_threshold_that_an_attack_passes_refuses_with_why",
    ),
    Rule(
        8, "a board that hears no unit says so", "tools/stillroom_tools/site/board/live.py",
        "return self.stuck or not self._watch.subscriber.connected", "return False",
        "tests/site/board/test_ward.py::test_a_board_that_hears_no_broker_says_so_before_anything_else",
    ),
    Rule(
        8, "alerts that nobody knows are no calm", "tools/stillroom_tools/site/board/live.py",
        "known = self._watch.alerts is not None", "known = True",
        "tests/site/board/test_ward.py::test_alerts_not_known_is_no_calm",
    ),
    Rule(
        3, "who may not know of persons does not", "tools/stillroom_tools/site/board/tiles.py",
        "if persons or alert.technical", "if True or alert.technical",
        "tests/site/board/test_ward.py::test_whoever_may_not_know_of_persons_does_not",
    ),
    Rule(
        3, "a session ends without use", "tools/stillroom_tools/site/board/sessions.py",
        "min(session.used_ns + IDLE_S * NS_PER_S, ", "max(session.used_ns, ",
        "tests/site/board/test_login.py::test_a_session_ends_after_a_quarter_of_an_hour_without_use",
    ),
    Rule(
        3, "a code works once", "tools/stillroom_tools/site/board/totp.py",
        "max(now - _DRIFT, after + 1)", "now - _DRIFT",
        "tests/site/board/test_login.py::test_a_code_works_once",
    ),
    Rule(
        3, "tries at the login are bounded", "tools/stillroom_tools/site/board/limits.py",
        "if over_ns > 0:", "if False:",
        "tests/site/board/test_login.py::test_too_many_tries_wait_and_others_do_not",
    ),
    Rule(
        3, "a page of another host can send nothing", "tools/stillroom_tools/site/board/door.py",
        'if headers.get("origin") != origin:', "if False:",
        "tests/site/board/test_login.py::test_what_comes_from_another_page_goes_no_further",
    ),
    Rule(
        3, "the board answers under its own names", "tools/stillroom_tools/site/board/door.py",
        'if _name(headers.get("host", "")) not in self._hosts:', "if False:",
        "tests/site/board/test_login.py::test_another_name_for_this_machine_is_not_answered",
    ),
    Rule(
        3, "a form needs the token of its session", "tools/stillroom_tools/site/board/desk.py",
        'if not session.takes(fields.pop("csrf", "")):', "if False:",
        "tests/site/board/test_login.py::test_a_form_needs_the_token_of_this_very_session",
    ),
    Rule(
        4, "what cannot be written down is not done", "tools/stillroom_tools/site/board/people_page.py",
        'await self._desk.write(session.name, "person-add", f"{name} {\'/\'.join(roles)}")', "pass",
        "tests/site/board/test_login.py::test_nothing_is_done_that_cannot_be_written_down",
    ),
)  # fmt: skip


def source(rule: Rule) -> Path:
    """Of the safeguard, below the top of a tree."""
    if rule.file.startswith("tools/"):
        return Path(rule.file)
    of_release = rule.file.startswith("release/")
    return Path("runtime", rule.file) if of_release else Path("runtime", "stillroom", rule.file)


def copy(to: Path) -> None:
    """The tree with what was compiled, without environments and caches."""
    left_out = shutil.ignore_patterns(".git", ".venv", ".cache", "__pycache__", ".*_cache", "build", "dist")
    shutil.copytree(REPOSITORY, to, ignore=left_out)
    (to / ".cache").symlink_to(REPOSITORY / ".cache")  # models, for tests that need them


def attempt(rule: Rule, tree: Path) -> str:
    """Take it out, run its test, put it back; what came of it."""
    path = tree / source(rule)
    whole = path.read_text(encoding="utf-8")
    if whole.count(rule.old) != 1:
        raise RuntimeError(f"{rule.name}: not once in {rule.file}: {rule.old}")
    try:
        path.write_text(whole.replace(rule.old, rule.new, 1), encoding="utf-8")
        return run_test(rule.test, tree)
    finally:
        path.write_text(whole, encoding="utf-8")


def run_test(test: str, tree: Path) -> str:
    """NOTICED where it fails; NOT_RUN where all of it is skipped. Raises RuntimeError where it cannot be run at all."""
    paths = os.pathsep.join(str(tree / name) for name in ("runtime", "runtime/release", "tools"))
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", test]
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", MARK: str(tree)}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
    finally:
        end_what_is_left(tree)
    if done.returncode == 0:
        return UNNOTICED if " passed" in done.stdout else NOT_RUN
    if done.returncode != 1:
        raise RuntimeError(f"{test}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return NOTICED


def end_what_is_left(tree: Path) -> None:
    """An eye that no lease ends any more outlives its test: every process that was started from there is killed."""
    mark = f"{MARK}={tree}".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def attempt_all(rules: Sequence[Rule]) -> dict[str, str]:
    """Each rule's name and what came of it; prints a line each. Raises RuntimeError where a test fails in any case."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="sr-rules-") as folder:
        tree = Path(folder) / "tree"
        copy(tree)
        for test in sorted({rule.test for rule in rules}):
            if run_test(test, tree) == NOTICED:
                raise RuntimeError(f"{test} fails with the safeguard in its place")
        for rule in rules:
            found[rule.name] = attempt(rule, tree)
            print(f"promise {rule.promise}: {rule.name}: {found[rule.name]}", flush=True)
    return found


if __name__ == "__main__":
    wanted = [rule for rule in RULES if not sys.argv[1:] or rule.name in sys.argv[1:]]
    sys.exit(UNNOTICED in attempt_all(wanted).values() or not wanted)
