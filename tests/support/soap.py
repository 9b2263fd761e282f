"""A SOAP client for EWS: builds requests, keeps the connection, parses answers and holds each one
against the schema.

The schema files are not the project's own; they are looked for in the directory EWER_SCHEMA_DIR,
else in ../shared/schema beside the tree. Where there are none, answers are not validated, and the
suite says so.
"""
import base64
import functools
import gzip
import http.client
import os
import ssl
import urllib.parse
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

ROOT = Path(__file__).resolve().parent.parent.parent
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
NS = {"s": SOAP, "t": TYPES, "m": MESSAGES, "e": ERRORS}
ANSWER_SECONDS = 100
PARSER = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": True}


def schema_directory():
    return Path(os.environ.get("EWER_SCHEMA_DIR") or ROOT.parent / "shared" / "schema")


@functools.lru_cache(maxsize=None)
def schema():
    """The compiled schema, or None where its files are absent."""
    file = schema_directory() / "ews.xsd"
    return etree.XMLSchema(etree.parse(str(file))) if file.exists() else None


def validate(root):
    """The schema's complaints about a document; none without a schema."""
    if schema() is None or schema().validate(root):
        return []
    return [f"line {e.line}: {e.message}" for e in schema().error_log]


def local(element):
    return etree.QName(element).localname


def xml_parse(raw):
    return etree.fromstring(raw, etree.XMLParser(**PARSER))


class Answer:
    """What came back for one request."""

    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        self.root = xml_parse(raw) if is_xml(headers) and raw else None
        self.body = None
        if self.root is not None:
            body = self.root.find("s:Body", NS)
            self.body = body[0] if body is not None and len(body) else None

    @property
    def text(self):
        return self.raw.decode()

    def find(self, path):
        return self.root.find(f".//{path}", NS)

    def findall(self, path):
        return self.root.findall(f".//{path}", NS)

    def value(self, path):
        found = self.find(path)
        return None if found is None else found.text or ""

    def values(self, path):
        return [e.text or "" for e in self.findall(path)]

    # ---- response messages

    @property
    def messages(self):
        return list(self.root.find(".//m:ResponseMessages", NS))

    @property
    def codes(self):
        return [m.findtext("m:ResponseCode", namespaces=NS) for m in self.messages]

    @property
    def code(self):
        """The code of the only response message."""
        assert len(self.messages) == 1, self.text
        return self.codes[0]

    # ---- faults

    @property
    def is_fault(self):
        return self.body is not None and local(self.body) == "Fault"

    @property
    def fault_code(self):
        return self.value("e:ResponseCode") if self.is_fault else None

    @property
    def fault_string(self):
        return self.body.findtext("faultstring")

    # ---- syncs

    @property
    def state(self):
        return self.value("m:SyncState")

    @property
    def last(self):
        """IncludesLastItemInRange or IncludesLastFolderInRange."""
        found = self.find("m:IncludesLastItemInRange")
        found = self.find("m:IncludesLastFolderInRange") if found is None else found
        return {"true": True, "false": False}[found.text]

    @property
    def changes(self):
        """[(kind, the changed element)]"""
        return [(local(change), change[0]) for change in self.find("m:Changes")]

    @property
    def change_ids(self):
        return [item_id(element) for _, element in self.changes]


def is_xml(headers):
    return (headers.get("Content-Type") or "").startswith("text/xml")


def item_id(element):
    """The Id of an item, folder, or of an id element itself."""
    if local(element) in ("ItemId", "FolderId"):
        return element.get("Id")
    for name in ("t:ItemId", "t:FolderId"):
        found = element.find(name, NS)
        if found is not None:
            return found.get("Id")
    raise AssertionError(f"{local(element)} has no id")


# ---- requests


def envelope(body, version="Exchange2013_SP1", header=""):
    """A request; version None leaves RequestServerVersion out."""
    if version is not None:
        header = f'<t:RequestServerVersion Version="{version}"/>{header}'
    return (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}" '
        f'xmlns:t="{TYPES}" xmlns:m="{MESSAGES}">'
        f"<soap:Header>{header}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def folder_ref(folder):
    """The element for a folder's id, or for the name of a distinguished one."""
    if folder is None:
        return ""
    if folder.islower() and folder.isalpha():
        return f'<t:DistinguishedFolderId Id="{folder}"/>'
    return f"<t:FolderId Id={quoteattr(folder)}/>"


def path_of(path):
    """item:Subject, 0x10f4/Boolean (a tag), or an element as it stands."""
    if path.startswith("<"):
        return path
    if "/" in path:
        tag, kind = path.split("/")
        return f'<t:ExtendedFieldURI PropertyTag="{tag}" PropertyType="{kind}"/>'
    return f'<t:FieldURI FieldURI="{path}"/>'


def shape(base="IdOnly", paths=(), extra="", element="ItemShape"):
    paths = "".join(map(path_of, paths))
    paths = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
    return f"<m:{element}><t:BaseShape>{base}</t:BaseShape>{extra}{paths}</m:{element}>"


def sync_items(
    folder="inbox", state=None, most=512, ignore=(), scope=None, base="IdOnly", paths=()
):
    state = "" if state is None else f"<m:SyncState>{escape(state)}</m:SyncState>"
    ids = "".join(f"<t:ItemId Id={quoteattr(i)}/>" for i in ignore)
    ignored = f"<m:Ignore>{ids}</m:Ignore>" if ignore else ""
    scope = f"<m:SyncScope>{scope}</m:SyncScope>" if scope else ""
    return (
        f"<m:SyncFolderItems>{shape(base, paths)}<m:SyncFolderId>{folder_ref(folder)}</m:SyncFolderId>{state}{ignored}"
        f"<m:MaxChangesReturned>{most}</m:MaxChangesReturned>{scope}</m:SyncFolderItems>"
    )


def sync_hierarchy(folder=None, state=None, base="IdOnly", paths=()):
    state = "" if state is None else f"<m:SyncState>{escape(state)}</m:SyncState>"
    anchor = f"<m:SyncFolderId>{folder_ref(folder)}</m:SyncFolderId>" if folder else ""
    return f"<m:SyncFolderHierarchy>{shape(base, paths, element='FolderShape')}{anchor}{state}</m:SyncFolderHierarchy>"


def get_item(*ids, base="IdOnly", paths=(), extra=""):
    refs = "".join(f"<t:ItemId Id={quoteattr(i)}/>" for i in ids)
    return f"<m:GetItem>{shape(base, paths, extra)}<m:ItemIds>{refs}</m:ItemIds></m:GetItem>"


def get_folder(*folders, base="Default", paths=()):
    refs = "".join(map(folder_ref, folders))
    return f"<m:GetFolder>{shape(base, paths, element='FolderShape')}<m:FolderIds>{refs}</m:FolderIds></m:GetFolder>"


def find_folder(*parents, traversal="Deep", base="Default", paths=(), view="", restriction=""):
    refs = "".join(map(folder_ref, parents))
    return (
        f'<m:FindFolder Traversal="{traversal}">{shape(base, paths, element="FolderShape")}{view}{restricted(restriction)}'
        f"<m:ParentFolderIds>{refs}</m:ParentFolderIds></m:FindFolder>"
    )


def find_item(
    *folders, traversal="Shallow", base="IdOnly", paths=(), view="", restriction="", order=()
):
    refs = "".join(map(folder_ref, folders or ("inbox",)))
    fields = "".join(
        f'<t:FieldOrder Order="{way}">{path_of(path)}</t:FieldOrder>' for path, way in order
    )
    order = f"<m:SortOrder>{fields}</m:SortOrder>" if fields else ""
    return (
        "<m:FindItem "
        f'Traversal="{traversal}">{shape(base, paths)}{view}{restricted(restriction)}{order}'
        f"<m:ParentFolderIds>{refs}</m:ParentFolderIds></m:FindItem>"
    )


def restricted(restriction):
    return f"<m:Restriction>{restriction}</m:Restriction>" if restriction else ""


def get_attachment(*ids, extra=""):
    refs = "".join(f"<t:AttachmentId Id={quoteattr(i)}/>" for i in ids)
    return f"<m:GetAttachment>{extra}<m:AttachmentIds>{refs}</m:AttachmentIds></m:GetAttachment>"


class Soap:
    """A client of one user on one kept-alive connection."""

    def __init__(self, url, address, password, seconds=ANSWER_SECONDS, tls_file=None):
        where = urllib.parse.urlsplit(url)
        self.path = where.path
        self.address = address
        self.authorization = "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()
        if where.scheme == "https":
            context = ssl.create_default_context(cafile=tls_file)
            self.connection = http.client.HTTPSConnection(
                where.hostname, where.port, timeout=seconds, context=context
            )
        else:
            self.connection = http.client.HTTPConnection(
                where.hostname, where.port, timeout=seconds
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method="POST", path=None, body=None, headers=None, authorized=True):
        """One exchange as it is told: no header is added but the credentials."""
        headers = dict(headers or {})
        if authorized:
            headers.setdefault("Authorization", self.authorization)
        self.connection.request(method, path or self.path, body, headers)
        response = self.connection.getresponse()
        raw = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return Answer(response.status, response.headers, raw)

    def post(self, document, headers=None, valid=True, **options):
        """Sends a whole document; what comes back as XML must keep the schema."""
        answer = self.request(
            "POST",
            body=document,
            headers={"Content-Type": "text/xml; charset=utf-8", **(headers or {})},
            **options,
        )
        if valid and answer.root is not None:
            assert answer.raw.startswith(b"<?xml "), "an answer begins with an XML declaration"
            complaints = validate(answer.root)
            assert (
                not complaints
            ), f"the schema refuses the answer: {complaints[:5]}\n{answer.text[:4000]}"
        return answer

    def call(self, body, version="Exchange2013_SP1", header="", **options):
        """Runs one operation that must be dispatched: status 200 and no fault."""
        answer = self.post(envelope(body, version, header), **options)
        assert (
            answer.status == 200 and not answer.is_fault
        ), f"HTTP {answer.status}\n{answer.text[:4000]}"
        return answer

    def fault(self, body, version="Exchange2013_SP1", header=""):
        """Runs what must end in a SOAP fault."""
        answer = self.post(envelope(body, version, header))
        assert (
            answer.status == 500 and answer.is_fault
        ), f"HTTP {answer.status}\n{answer.text[:4000]}"
        return answer

    # ---- whole conversations

    def pages(self, folder="inbox", state=None, most=512, **options):
        """The answers of an item sync from a state until the client is up to date."""
        while True:
            answer = self.call(sync_items(folder, state, most, **options))
            assert answer.code == "NoError", answer.text
            yield answer
            if answer.last:
                return
            assert answer.state != state or answer.changes, "no progress"
            state = answer.state

    def sync(self, folder="inbox", state=None, most=512, **options):
        """(all changes, last state)"""
        pages = list(self.pages(folder, state, most, **options))
        return [change for page in pages for change in page.changes], pages[-1].state

    def items(self, folder="inbox", **options):
        """Ids of a folder, newest first."""
        return [item_id(element) for _, element in self.sync(folder, **options)[0]]

    def folder_id(self, name):
        answer = self.call(get_folder(name, base="IdOnly"))
        assert answer.code == "NoError", answer.text
        return answer.find("t:FolderId").get("Id")

    def mime(self, item):
        """The stored bytes of a message."""
        answer = self.call(
            get_item(item, extra="<t:IncludeMimeContent>true</t:IncludeMimeContent>")
        )
        assert answer.code == "NoError", answer.text
        return base64.b64decode(answer.value("t:MimeContent"))
