"""Rules of projects and their tasks: dates, assignment, completion.

Source: SOAP contract notes, sections 14.3 and 18.
"""

from __future__ import annotations

from bridge.sandbox.data.schema import quoted
from bridge.sandbox.data.values import Stored
from bridge.sandbox.declarations import rule
from bridge.sandbox.rules import stamps, work
from bridge.sandbox.rules.draft import Draft
from bridge.sandbox.rules.stages import after_save, completes, validates
from bridge.sandbox.rules.write_transaction import WriteTransaction

_ZERO_BY_DEFAULT = (
    "EstimatedHours",
    "HoursToBeScheduled",
    "Priority",
    "RemainingHours",
)


@validates("Project")
@rule("Project", "it starts before it ends, and ends with its last part", source="rest")
def validate_project(write: WriteTransaction, draft: Draft) -> None:
    """Validate changed dates against each other and against phases, tasks and issues.

    Unverified: the texts; that a project may start and end on one day; that dates which
    stay are not validated.
    """
    dates = ("StartDateTime", "EndDateTime")
    start, end = (draft.get(name) for name in dates)
    if start is None or end is None or not draft.changed(*dates):
        return
    if str(end) < str(start):
        draft.save_faults.append("Project StartDateTime must be before EndDateTime.")
    elif not draft.is_new and any(
        write.exists(
            entity,
            f'"ProjectID" = ? AND substr("{name}", 1, 10) > ?',
            draft.submission.record_id,
            str(end)[:10],
        )
        for entity, name in (("Phase", "DueDate"), ("Task", "EndDateTime"))
    ):
        draft.save_faults.append(
            "Project EndDateTime must not be before the end of its last phase, task "
            "or issue."
        )


@completes("Project")
def number_project(write: WriteTransaction, draft: Draft) -> None:
    """Number a new project. Source: SOAP help, Project."""
    if draft.is_new:
        draft.put("ProjectNumber", work.next_number(write, "P"))


@after_save("Project")
@rule("Project", "completing it completes its tasks", source="help")
@rule("Project", "tasks that it completes show new activity dates", source="unverified")
def complete_tasks(write: WriteTransaction, draft: Draft, record_id: int) -> None:
    """Complete the open tasks of a project that is completed.

    Their activity dates move: without that no caller that polls would notice.
    """
    complete = work.STATUS_COMPLETE
    if draft.get("Status") != complete or draft.was("Status") == complete:
        return
    tasks = write.schema.tables["Task"]
    changes: dict[str, Stored | None] = {
        **stamps.of_edit(write, tasks),
        quoted("Status"): complete,
        quoted("CompletedDateTime"): write.moment,
        quoted("CompletedByResourceID"): write.actor,
    }
    still_open = '"ProjectID" = ? AND "Status" <> ?'
    for task_id in write.find("Task", still_open, record_id, complete):
        write.change("Task", task_id, changes)


@validates("Task")
@rule("Task", "a resource needs role, department and code", source="rest")
def validate_task(write: WriteTransaction, draft: Draft) -> None:
    """Validate who a task is assigned to. Source: contract notes, section 14.3."""
    resource = draft.get("AssignedResourceID")
    if resource is None:
        return
    role = draft.get("AssignedResourceRoleID")
    if role is None:
        draft.save_faults.append(work.INCOMPLETE_ASSIGNMENT)
    draft.save_faults.extend(
        f"{name} is a required field when a Resource (primary/secondary) is assigned "
        "to a Task"
        for name in ("DepartmentID", "AllocationCodeID")
        if draft.get(name) is None
    )
    if role is not None and not work.has_role(write, resource, role):
        draft.save_faults.append(
            f'The Task "{draft.get("Title")}" has an invalid Resource and Role '
            "combination."
        )


@completes("Task")
def complete_task(write: WriteTransaction, draft: Draft) -> None:
    """Number a new task, set its hours to 0, date its completion.

    Source: soap-samples 22.
    """
    if draft.is_new:
        draft.put("TaskNumber", work.next_number(write, "T"))
        for name in _ZERO_BY_DEFAULT:
            if draft.get(name) is None:
                draft.put(name, 0)
    work.date_completion(write, draft, "CompletedDateTime")
