"""What clients ask for, as the bodies of their requests."""
import base64

MINE = '<t:DistinguishedFolderId Id="{}"/>'
THEIRS = '<t:DistinguishedFolderId Id="{}"><t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>'


def named(name, owner=None):
    """A folder that each mailbox has, of another's mailbox if so wanted."""
    return THEIRS.format(name, owner) if owner else MINE.format(name)


def folder_id(i):
    return f'<t:FolderId Id="{i}"/>'


def item_ids(*ids):
    return "<m:ItemIds>" + "".join(f'<t:ItemId Id="{i}"/>' for i in ids) + "</m:ItemIds>"


# ---- items

def create(folder, *items, disposition="SaveOnly"):
    return (f'<m:CreateItem MessageDisposition="{disposition}" SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>{folder}'
            f'</m:SavedItemFolderId><m:Items>{"".join(items)}</m:Items></m:CreateItem>')


def create_items(disposition, folder, messages):
    mimes = (f"<t:Message><t:MimeContent>{base64.b64encode(m).decode()}</t:MimeContent></t:Message>" for m in messages)
    return create(folder, *mimes, disposition=disposition)


def set_field(uri, value, kind="Message"):
    return f'<t:SetItemField><t:FieldURI FieldURI="{uri}"/><t:{kind}>{value}</t:{kind}></t:SetItemField>'


SUBJECT = set_field("item:Subject", "<t:Subject>changed</t:Subject>")
EVERYTHING = (SUBJECT + set_field("item:Categories", "<t:Categories><t:String>red</t:String></t:Categories>") +
              set_field("item:Body", '<t:Body BodyType="Text">another body</t:Body>'))


def update_items(updates, *ids):
    changes = "".join(f'<t:ItemChange><t:ItemId Id="{i}"/><t:Updates>{updates}</t:Updates></t:ItemChange>' for i in ids)
    return ('<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly" '
            f'SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges>{changes}</m:ItemChanges></m:UpdateItem>')


def move_items(folder, *ids):
    return f"<m:MoveItem><m:ToFolderId>{folder}</m:ToFolderId>{item_ids(*ids)}</m:MoveItem>"


def copy_items(folder, *ids):
    return f"<m:CopyItem><m:ToFolderId>{folder}</m:ToFolderId>{item_ids(*ids)}</m:CopyItem>"


def delete_items(how, *ids):
    return f'<m:DeleteItem DeleteType="{how}">{item_ids(*ids)}</m:DeleteItem>'


def mark_as_junk(junk, *ids):
    return f'<m:MarkAsJunk IsJunk="{junk}" MoveItem="true">{item_ids(*ids)}</m:MarkAsJunk>'


def send_items(save, *refs):
    """Of drafts, each (id, change key)."""
    ids = "".join(f'<t:ItemId Id="{i}" ChangeKey="{key}"/>' for i, key in refs)
    return f'<m:SendItem SaveItemToFolder="{save}"><m:ItemIds>{ids}</m:ItemIds></m:SendItem>'


def file(name):
    return f"<t:FileAttachment><t:Name>{name}</t:Name><t:Content>{base64.b64encode(name.encode()).decode()}</t:Content></t:FileAttachment>"


def note(subject):
    return (f"<t:ItemAttachment><t:Name>{subject}</t:Name><t:Message><t:Subject>{subject}</t:Subject></t:Message></t:ItemAttachment>")


def create_attachments(item, *attachments):
    return (f'<m:CreateAttachment><m:ParentItemId Id="{item}"/><m:Attachments>{"".join(attachments)}</m:Attachments></m:CreateAttachment>')


def delete_attachment(i):
    return f'<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="{i}"/></m:AttachmentIds></m:DeleteAttachment>'


def export_items(*ids):
    return f"<m:ExportItems>{item_ids(*ids)}</m:ExportItems>"


def upload_items(folder, *uploads):
    """Of streams, each (action, id or None, data)."""
    items = "".join(f'<t:Item CreateAction="{action}"><t:ParentFolderId Id="{folder}"/>' +
                    (f'<t:ItemId Id="{i}"/>' if i else "") + f"<t:Data>{data}</t:Data></t:Item>" for action, i, data in uploads)
    return f"<m:UploadItems><m:Items>{items}</m:Items></m:UploadItems>"


# ---- folders

def rights(user, level):
    return (f"<t:PermissionSet><t:Permissions><t:Permission><t:UserId><t:PrimarySmtpAddress>{user}</t:PrimarySmtpAddress></t:UserId>"
            f"<t:PermissionLevel>{level}</t:PermissionLevel></t:Permission></t:Permissions></t:PermissionSet>")


def folder(name, more=""):
    return f"<t:Folder><t:DisplayName>{name}</t:DisplayName>{more}</t:Folder>"


def create_folders(parent, *folders):
    return f'<m:CreateFolder><m:ParentFolderId>{parent}</m:ParentFolderId><m:Folders>{"".join(folders)}</m:Folders></m:CreateFolder>'


def create_path(parent, *folders):
    return (f"<m:CreateFolderPath><m:ParentFolderId>{parent}</m:ParentFolderId>"
            f'<m:RelativeFolderPath>{"".join(folders)}</m:RelativeFolderPath></m:CreateFolderPath>')


def update_folder(target, uri, value):
    return (f"<m:UpdateFolder><m:FolderChanges><t:FolderChange>{target}<t:Updates><t:SetFolderField><t:FieldURI FieldURI=\"{uri}\"/>"
            f"<t:Folder>{value}</t:Folder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>")


def rename(target, name):
    return update_folder(target, "folder:DisplayName", f"<t:DisplayName>{name}</t:DisplayName>")


def share(target, user, level):
    return update_folder(target, "folder:PermissionSet", rights(user, level))


def move_folder(parent, i):
    return f"<m:MoveFolder><m:ToFolderId>{parent}</m:ToFolderId><m:FolderIds>{folder_id(i)}</m:FolderIds></m:MoveFolder>"


def copy_folder(parent, i):
    return f"<m:CopyFolder><m:ToFolderId>{parent}</m:ToFolderId><m:FolderIds>{folder_id(i)}</m:FolderIds></m:CopyFolder>"


def delete_folder(how, i):
    return f'<m:DeleteFolder DeleteType="{how}"><m:FolderIds>{folder_id(i)}</m:FolderIds></m:DeleteFolder>'


def empty_folder(how, below, i):
    return f'<m:EmptyFolder DeleteType="{how}" DeleteSubFolders="{below}"><m:FolderIds>{folder_id(i)}</m:FolderIds></m:EmptyFolder>'


def mark_all(read, target):
    return (f"<m:MarkAllItemsAsRead><m:ReadFlag>{read}</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts>"
            f"<m:FolderIds>{target}</m:FolderIds></m:MarkAllItemsAsRead>")
