"""What subscribers are told, through restarts. The log of a mailbox, as a pull subscription reads it, is the measure of what all others must hear."""
import http.client
import types
import xml.etree.ElementTree as ElementTree

from notifications import Stream, events_of, get_events, subscribe, subscribe_pull, subscribe_push
from programs import M, T, ewerctl_ok
from soap import xml_parse

STREAM_MINUTES = 30
STREAM, PULL, PUSH = "streaming", "pull", "push"


def seen(event):
    """An event but for its watermark."""
    return event.what, event.id, event.old_id, event.parent, event.old_parent


def subscribed(ews, request):
    """(SubscriptionId, Watermark or None)"""
    answer = ews.call(request)
    return answer.findtext(f".//{M}SubscriptionId"), answer.findtext(f".//{M}Watermark")


def request_of(kind, url=None, minutes=1440, mark=None):
    if kind == STREAM:
        return subscribe("Streaming")
    return subscribe_pull(minutes, watermark=mark) if kind == PULL else subscribe_push(url, minutes, watermark=mark)


def subscriptions(store):
    """{id: kind} of all."""
    lines = ewerctl_ok(store, "sub", "list").splitlines()[1:]
    return {line.split("\t")[0]: line.split("\t")[2] for line in lines}


class Log:
    """Events with their watermarks, from one watermark on."""

    def __init__(self, mark):
        self.mark, self.events = mark, []       # [(watermark, what was seen)]

    @property
    def end(self):
        return self.events[-1][0] if self.events else self.mark

    @property
    def seen(self):
        return [event for _, event in self.events]

    def read(self, ews, subscription):
        """Reads on to the end, as a pull subscription."""
        mark, more = self.end, True
        while more:
            answer = xml_parse(ElementTree.tostring(ews.call(get_events(subscription, mark))))
            notification = answer.find(f".//{M}Notification")
            assert notification.findtext(f"{T}PreviousWatermark") == mark
            events = events_of(notification)
            mark = events[-1].watermark
            self.events += [(e.watermark, seen(e)) for e in events if e.type != "StatusEvent"]
            more = notification.findtext(f"{T}MoreEvents") == "true"
        return self

    def since(self, mark):
        """The events that are younger than a watermark of the log."""
        marks = [self.mark, *(mark for mark, _ in self.events)]
        assert mark in marks, f"{mark} is no watermark of {marks}"
        return self.events[marks.index(mark):]

    def verify(self):
        """Each event has one watermark, and each watermark one event."""
        marks = [mark for mark, _ in self.events]
        assert len(set(marks)) == len(marks), "two events have one watermark"
        once = [event for event in self.seen if event[0].startswith("item")]
        assert len(set(once)) == len(once), "an event is there twice"


# ---- streams

def streaming(server, ews, *ids, minutes=STREAM_MINUTES):
    return Stream(types.SimpleNamespace(url=server.url.geturl()), types.SimpleNamespace(authorization=ews.login), *ids, minutes=minutes)


def lost(error):
    return ConnectionError(f"the stream broke: {error}")


def hear(stream, heard, until):
    """Adds the events of documents to heard, until until(document) or the response's end. ConnectionError when the server dies."""
    try:
        while (document := stream.document()) is not None:
            assert document.code == "NoError", document.raw
            heard += map(seen, document.events)
            if until(document):
                return
    except (EOFError, OSError, http.client.HTTPException) as error:
        raise lost(error) from error


def verify_stream(server, ews, subscription, log, heard=None):
    """Who opens the subscription again hears on to the log's end: all that it did not hear, and nothing else but perhaps what it heard last. heard: all that it
    heard so far since the log's beginning; None: anything. How many events were told again."""
    told = []
    with streaming(server, ews, subscription) as stream:
        hear(stream, told, lambda _: told[-1:] == log.seen[-1:])
    assert told == log.seen[len(log.seen) - len(told):], f"told {told}, the log is {log.seen}"
    if heard is None:
        return 0
    assert heard == log.seen[:len(heard)], f"heard {heard}, the log is {log.seen}"
    again = len(heard) + len(told) - len(log.seen)
    assert again >= 0, f"{-again} events are missing"
    return again


# ---- pushes

def of_subscription(pushes, subscription):
    return [push for push in pushes if push.subscription == subscription]


def real_events(pushes):
    return [event for push in pushes for event in push.events if event.type != "StatusEvent"]


def verify_chain(pushes, log):
    """Each push goes on where it says that the one before it ended, and tells just what follows there. A listener that refused gets the same place again."""
    for push in pushes:
        told = [(e.watermark, seen(e)) for e in real_events([push])]
        assert told == log.since(push.previous)[:len(told)], f"after {push.previous}: {told}; the log is {log.since(push.previous)}"
        assert told or push.events[-1].watermark == push.previous, "nothing is told, and the watermark goes on"


def last_mark(push):
    return push.events[-1].watermark


def verify_pushes(before, after, log):
    """The listener said OK to all: what it had said so of before the next one came, it does not hear again; and it hears on to the log's end."""
    verify_chain(before + after, log)
    for pushes in (before, after):
        for earlier, later in zip(pushes, pushes[1:]):
            assert later.previous == last_mark(earlier), "told twice, or not at all, by one server"
    assert after, "nothing comes any more"
    expected = {before[-1].previous, last_mark(before[-1])} if before else {log.mark}
    assert after[0].previous in expected, "what was OK comes again, or something is left out"
    assert last_mark(after[-1]) == log.end, "not all is told"
