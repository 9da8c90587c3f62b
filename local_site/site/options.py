"""The behaviours in which Flywheel sites differ, as switches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SiteOptions:
    """What kind of site this is.

    Attributes
    ----------
    audit_trail
        Deletions need a ``delete_reason``.
    change_log
        Keep a record of changes, and serve it at ``/changes``.
    tags_in_lists
        Listings show tags.
    quoted_parents
        A filter that quotes the value of a parent (``parents.subject="…"``) matches; on live sites it
        finds nothing.
    signed_url
        Offer uploads by signed URL.
    hash_after_signed
        Show a file's hash after a signed upload; some sites leave it empty until computed.
    redirect_downloads
        Answer downloads with a redirect to a signed URL.
    ticket_seconds
        How long an unused upload or download ticket lives.
    """

    audit_trail: bool = False
    change_log: bool = False
    tags_in_lists: bool = True
    quoted_parents: bool = False
    signed_url: bool = True
    hash_after_signed: bool = True
    redirect_downloads: bool = False
    ticket_seconds: int = 3600
