"""Requests that change a mailbox, and small steps made of them, for the suites that speak SOAP."""
import base64
from xml.sax.saxutils import quoteattr

from soap import folder_ref, get_item

MANY = 10000
NONE = "AAAA"


# ---- requests


def create_item(items, folder=None, attributes='MessageDisposition="SaveOnly"'):
    saved = f"<m:SavedItemFolderId>{folder_ref(folder)}</m:SavedItemFolderId>" if folder else ""
    return f"<m:CreateItem {attributes}>{saved}<m:Items>{items}</m:Items></m:CreateItem>"


def message(subject="subject", more=""):
    return f"<t:Message><t:Subject>{subject}</t:Subject>{more}</t:Message>"


def to(*addresses):
    boxes = "".join(
        f"<t:Mailbox><t:EmailAddress>{a}</t:EmailAddress></t:Mailbox>" for a in addresses
    )
    return f"<t:ToRecipients>{boxes}</t:ToRecipients>"


def appointment(more="", start="2027-05-03T10:00:00Z", end="2027-05-03T11:00:00Z"):
    return (
        f"<t:CalendarItem><t:Subject>meeting</t:Subject><t:Start>{start}</t:Start>"
        f"<t:End>{end}</t:End>{more}</t:CalendarItem>"
    )


QUIET = 'SendMeetingInvitations="SendToNone"'


def set_field(uri, value, element="Message"):
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:{element}>{value}</t:{element}></t:SetItemField>'


def append_field(uri, value):
    return f'<t:AppendToItemField><t:FieldURI FieldURI="{uri}"/><t:Message>{value}</t:Message></t:AppendToItemField>'


def delete_field(uri):
    return f'<t:DeleteItemField><t:FieldURI FieldURI="{uri}"/></t:DeleteItemField>'


def update_item(ref, updates, conflict="AutoResolve", attributes='MessageDisposition="SaveOnly"'):
    return (
        f'<m:UpdateItem ConflictResolution="{conflict}" {attributes}><m:ItemChanges><t:ItemChange>{ref}'
        f"<t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )


def subject(text):
    return set_field("item:Subject", f"<t:Subject>{text}</t:Subject>")


def importance(text):
    return set_field("item:Importance", f"<t:Importance>{text}</t:Importance>")


def ref(identity, key=None):
    key = "" if key is None else f" ChangeKey={quoteattr(key)}"
    return f"<t:ItemId Id={quoteattr(identity)}{key}/>"


def refs(*ids):
    return "<m:ItemIds>" + "".join(ref(i) for i in ids) + "</m:ItemIds>"


def delete_item(*ids, how="HardDelete", more=""):
    return f'<m:DeleteItem DeleteType="{how}" {more}>{refs(*ids)}</m:DeleteItem>'


def transfer(operation, target, *ids):
    return f"<m:{operation}><m:ToFolderId>{folder_ref(target)}</m:ToFolderId>{refs(*ids)}</m:{operation}>"


def send_item(reference, save="true", folder=""):
    saved = f"<m:SavedItemFolderId>{folder_ref(folder)}</m:SavedItemFolderId>" if folder else ""
    return f'<m:SendItem SaveItemToFolder="{save}"><m:ItemIds>{reference}</m:ItemIds>{saved}</m:SendItem>'


def folder_element(name, kind="Folder", folder_class=""):
    folder_class = f"<t:FolderClass>{folder_class}</t:FolderClass>" if folder_class else ""
    return f"<t:{kind}>{folder_class}<t:DisplayName>{name}</t:DisplayName></t:{kind}>"


def create_folder(parent, *elements):
    return (
        f"<m:CreateFolder><m:ParentFolderId>{folder_ref(parent)}</m:ParentFolderId>"
        f"<m:Folders>{''.join(elements)}</m:Folders></m:CreateFolder>"
    )


def update_folder(folder, updates):
    return (
        f"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{folder}<t:Updates>{updates}</t:Updates>"
        "</t:FolderChange></m:FolderChanges></m:UpdateFolder>"
    )


def set_folder_field(uri, value, kind="Folder"):
    return f'<t:SetFolderField><t:FieldURI FieldURI="{uri}"/><t:{kind}>{value}</t:{kind}></t:SetFolderField>'


def rename(name):
    return set_folder_field("folder:DisplayName", f"<t:DisplayName>{name}</t:DisplayName>")


def folder_ids(*folders):
    return "<m:FolderIds>" + "".join(map(folder_ref, folders)) + "</m:FolderIds>"


def delete_folder(*folders, how="HardDelete"):
    return f'<m:DeleteFolder DeleteType="{how}">{folder_ids(*folders)}</m:DeleteFolder>'


def empty_folder(*folders, how="HardDelete", below="false"):
    return f'<m:EmptyFolder DeleteType="{how}" DeleteSubFolders="{below}">{folder_ids(*folders)}</m:EmptyFolder>'


def transfer_folder(operation, target, *folders):
    return f"<m:{operation}><m:ToFolderId>{folder_ref(target)}</m:ToFolderId>{folder_ids(*folders)}</m:{operation}>"


def create_attachment(parent, attachments):
    return (
        f"<m:CreateAttachment><m:ParentItemId Id={quoteattr(parent)}/><m:Attachments>{attachments}"
        "</m:Attachments></m:CreateAttachment>"
    )


def delete_attachment(identity):
    ids = f"<t:AttachmentId Id={quoteattr(identity)}/>"
    return f"<m:DeleteAttachment><m:AttachmentIds>{ids}</m:AttachmentIds></m:DeleteAttachment>"


def file(name, data=b"data"):
    name = f"<t:Name>{name}</t:Name>" if name is not None else ""
    content = base64.b64encode(data).decode()
    return f"<t:FileAttachment>{name}<t:Content>{content}</t:Content></t:FileAttachment>"


def upload(folder, data, action="CreateNew", identity=None):
    identity = f"<t:ItemId Id={quoteattr(identity)}/>" if identity else ""
    return (
        f'<m:UploadItems><m:Items><t:Item CreateAction="{action}"><t:ParentFolderId Id={quoteattr(folder)}/>'
        f"{identity}<t:Data>{data}</t:Data></t:Item></m:Items></m:UploadItems>"
    )


def export(identity):
    return f"<m:ExportItems>{refs(identity)}</m:ExportItems>"


# ---- steps


class Item:
    """A saved item: its id and its key."""

    def __init__(self, answer):
        assert answer.code == "NoError", answer.text
        found = answer.find("t:ItemId")
        self.id, self.key = found.get("Id"), found.get("ChangeKey")

    def ref(self):
        return ref(self.id, self.key)


def made(client, items=None, **options):
    return Item(client.call(create_item(items or message(), **options)))


def made_folder(client, name="ours", parent="msgfolderroot", **options):
    answer = client.call(create_folder(parent, folder_element(name, **options)))
    assert answer.code == "NoError", answer.text
    return answer.find("t:FolderId").get("Id")


def code(client, request):
    """The code of the one message, which is an error and changes nothing that a sync tells."""
    answer = client.call(request)
    if answer.code != "NoError":
        assert answer.messages[0].get("ResponseClass") in ("Error", "Warning")
        assert answer.value("m:MessageText")
    return answer.code


def state_of(client, folder="drafts"):
    return client.sync(folder)[1]


def value_of(client, item, uri, element):
    return client.call(get_item(item.id, paths=[uri])).value(f"t:{element}")


def let(client, folder, user, level="Reviewer"):
    """Gives a user a level of permissions on one of the client's folders, and nobody else any."""
    permission = (
        "<t:PermissionSet><t:Permissions><t:Permission><t:UserId><t:PrimarySmtpAddress>"
        f"{user}</t:PrimarySmtpAddress></t:UserId><t:PermissionLevel>{level}</t:PermissionLevel>"
        "</t:Permission></t:Permissions></t:PermissionSet>"
    )
    change = set_folder_field("folder:PermissionSet", permission)
    assert code(client, update_folder(folder_ref(folder), change)) == "NoError"
