'use strict';
// ews-javascript-api, unmodified, writes: what it writes is read back by another service object, by sync
// and by plain requests, and it reads what plain requests wrote.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const ews = require('ews-javascript-api');
const { startDemo } = require('./server.js');

const ARRIVAL_MS = 60000;
const FOLDERS = ews.WellKnownFolderName;
let server;
before(async () => { server = await startDemo(); });
after(() => server.stop());

function service(user = 0) {
  const made = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013_SP1);
  made.Credentials = new ews.WebCredentials(server.users[user].address, server.users[user].password);
  made.Url = new ews.Uri(server.url);
  return made;
}

// A request as another program would send it; the answer as text.
async function soap(body) {
  const [alice] = server.users;
  const answer = await fetch(server.url, {
    method: 'POST',
    headers: {
      'Content-Type': 'text/xml; charset=utf-8',
      Authorization: `Basic ${Buffer.from(`${alice.address}:${alice.password}`).toString('base64')}`,
    },
    body: '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
      + 'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" '
      + 'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header>'
      + `<t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header><s:Body>${body}</s:Body></s:Envelope>`,
  });
  return answer.text();
}

function getItem(id) {
  return soap('<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds>'
    + `<t:ItemId Id="${id.UniqueId}"/></m:ItemIds></m:GetItem>`);
}

// [kind of change, the item's id] since a state, and the next state.
async function changesSince(folder, state) {
  const page = await service().SyncFolderItems(new ews.FolderId(folder), ews.PropertySet.IdOnly, null, 512, ews.SyncFolderItemsScope.NormalItems, state);
  return { changes: page.GetEnumerator().map((c) => [c.ChangeType, c.ItemId.UniqueId]), state: page.SyncState };
}

async function stateOf(folder) {
  return (await changesSince(folder, null)).state;
}

async function assertChanges(folder, state, wanted) {
  const next = await changesSince(folder, state);
  assert.deepEqual(next.changes, wanted);
  return next.state;
}

// The library writes texts into requests as they are: its users escape them.
function escaped(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function quick(client, subject) {
  const item = new ews.EmailMessage(client);
  item.Subject = subject;
  return item;
}

async function saved(client, subject, folder = FOLDERS.Drafts) {
  const item = quick(client, subject);
  await item.Save(folder);
  return item;
}

const rich = () => {
  const item = quick(service(), escaped('Grüße <&>'));
  item.Body = new ews.MessageBody(ews.BodyType.HTML, escaped('<p>Grüße <b>fett</b></p>'));
  item.ToRecipients.Add('Ä, B', 'a@example.org');
  item.CcRecipients.Add('c@example.org');
  item.BccRecipients.Add('d@example.org');
  item.ReplyTo.Add('r@example.org');
  item.Importance = ews.Importance.High;
  item.Sensitivity = ews.Sensitivity.Private;
  item.Categories.Add('Red');
  item.Categories.Add('Blue');
  item.IsRead = true;
  return item;
};

test('messages: every field is read back by another', async () => {
  const state = await stateOf(FOLDERS.Drafts);
  const item = rich();
  item.Attachments.AddFileAttachment('a.txt', Buffer.from('content').toString('base64'));
  await item.Save(FOLDERS.Drafts);
  await assertChanges(FOLDERS.Drafts, state, [[ews.ChangeType.Create, item.Id.UniqueId]]);
  const got = await ews.EmailMessage.Bind(service(), item.Id);
  assert.equal(got.Subject, 'Grüße <&>');
  assert.ok(got.Body.Text.includes('<b>fett</b>'));
  assert.deepEqual(got.ToRecipients.Items.map((m) => [m.Name, m.Address]), [['Ä, B', 'a@example.org']]);
  assert.deepEqual([got.CcRecipients, got.BccRecipients, got.ReplyTo].map((l) => l.Items[0].Address), ['c@example.org', 'd@example.org', 'r@example.org']);
  assert.equal(got.Importance, ews.Importance.High);
  assert.equal(got.Sensitivity, ews.Sensitivity.Private);
  assert.deepEqual(got.Categories.GetEnumerator(), ['Red', 'Blue']);
  assert.equal(got.IsRead, true);
  const [attachment] = got.Attachments.Items;
  await attachment.Load();
  assert.equal(Buffer.from(attachment.Base64Content, 'base64').toString(), 'content');
});

test('messages: updates, a read mark apart from the rest', async () => {
  const item = await saved(service(), 'before');
  let state = await stateOf(FOLDERS.Drafts);
  item.Subject = 'after';
  item.Body = new ews.MessageBody(ews.BodyType.Text, 'changed');
  item.ToRecipients.Add('e@example.org');
  await item.Update(ews.ConflictResolutionMode.AutoResolve);
  state = await assertChanges(FOLDERS.Drafts, state, [[ews.ChangeType.Update, item.Id.UniqueId]]);
  const raw = await getItem(item.Id);
  assert.match(raw, /<t:Subject>after<\/t:Subject>/);
  assert.match(raw, /changed/);
  assert.match(raw, /e@example\.org/);
  const other = await ews.EmailMessage.Bind(service(), item.Id);
  other.IsRead = !other.IsRead;
  await other.Update(ews.ConflictResolutionMode.AlwaysOverwrite);
  await assertChanges(FOLDERS.Drafts, state, [[ews.ChangeType.ReadFlagChange, item.Id.UniqueId]]);
});

test('messages: a change with a stale key is refused', async () => {
  const item = await saved(service(), 'contended');
  const other = await ews.EmailMessage.Bind(service(), item.Id);
  item.Subject = 'mine';
  await item.Update(ews.ConflictResolutionMode.AutoResolve);
  other.Subject = 'theirs';
  await assert.rejects(other.Update(ews.ConflictResolutionMode.AutoResolve), (error) => {
    assert.equal(error.ErrorCode, ews.ServiceError.ErrorIrresolvableConflict);
    return true;
  });
  assert.match(await getItem(item.Id), /<t:Subject>mine</);
});

test('messages: copy and move', async () => {
  const item = await saved(service(), 'wandering');
  const states = [await stateOf(FOLDERS.Drafts), await stateOf(FOLDERS.JunkEmail)];
  const copy = await item.Copy(FOLDERS.JunkEmail);
  const moved = await item.Move(FOLDERS.JunkEmail);
  assert.equal(new Set([item.Id.UniqueId, copy.Id.UniqueId, moved.Id.UniqueId]).size, 3);
  await assertChanges(FOLDERS.Drafts, states[0], [[ews.ChangeType.Delete, item.Id.UniqueId]]);
  const { changes } = await changesSince(FOLDERS.JunkEmail, states[1]);
  assert.deepEqual(changes.map(([, id]) => id).sort(), [copy.Id.UniqueId, moved.Id.UniqueId].sort());
});

for (const mode of ['HardDelete', 'SoftDelete', 'MoveToDeletedItems']) {
  test(`messages: ${mode}`, async () => {
    const item = await saved(service(), mode);
    const states = [await stateOf(FOLDERS.Drafts), await stateOf(FOLDERS.DeletedItems)];
    await item.Delete(ews.DeleteMode[mode]);
    await assertChanges(FOLDERS.Drafts, states[0], [[ews.ChangeType.Delete, item.Id.UniqueId]]);
    const { changes } = await changesSince(FOLDERS.DeletedItems, states[1]);
    assert.equal(changes.length, mode === 'MoveToDeletedItems' ? 1 : 0);
    assert.match(await getItem(item.Id), /ErrorItemNotFound/);
  });
}

test('sending: the other has it in the inbox, the sender a copy', async () => {
  const subject = 'a letter';
  const sent = await stateOf(FOLDERS.SentItems);
  const item = quick(service(), subject);
  item.Body = new ews.MessageBody(ews.BodyType.Text, 'Grüße');
  item.ToRecipients.Add(server.users[1].address);
  await item.SendAndSaveCopy();
  const filter = new ews.SearchFilter.IsEqualTo(ews.ItemSchema.Subject, subject);
  const deadline = Date.now() + ARRIVAL_MS;
  let found;
  do {
    found = await service(1).FindItems(FOLDERS.Inbox, filter, new ews.ItemView(10));
  } while (found.TotalCount === 0 && Date.now() < deadline);
  assert.equal(found.TotalCount, 1);
  const got = await ews.EmailMessage.Bind(service(1), found.Items[0].Id);
  assert.equal(got.From.Address, server.users[0].address);
  assert.match(got.Body.Text, /Grüße/);
  assert.equal(got.IsRead, false);
  assert.deepEqual((await changesSince(FOLDERS.SentItems, sent)).changes.map(([kind]) => kind), [ews.ChangeType.Create]);
});

// Waits until a folder of a user holds something of that subject.
async function arrival(user, subject) {
  const filter = new ews.SearchFilter.IsEqualTo(ews.ItemSchema.Subject, subject);
  const deadline = Date.now() + ARRIVAL_MS;
  let found;
  do {
    found = await service(user).FindItems(FOLDERS.Inbox, filter, new ews.ItemView(10));
  } while (found.TotalCount === 0 && Date.now() < deadline);
  assert.equal(found.TotalCount, 1);
  return found.Items[0].Id;
}

for (const [name, answer, icon] of [
  ['reply', (item) => item.CreateReply(false), 'MailReplied'],
  ['reply to all', (item) => item.CreateReply(true), 'MailReplied'],
  ['forward', (item) => item.CreateForward(), 'MailForwarded'],
]) {
  test(`sending: a ${name} marks what it answers`, async () => {
    const letter = quick(service(1), `to ${name}`);
    letter.ToRecipients.Add(server.users[0].address);
    await letter.Send();
    const id = await arrival(0, `to ${name}`);
    const response = answer(await ews.EmailMessage.Bind(service(), id));
    response.Subject = `${name} sent`;
    response.BodyPrefix = new ews.MessageBody(ews.BodyType.Text, 'my answer');
    if (name === 'forward') response.ToRecipients.Add(server.users[1].address);
    await response.SendAndSaveCopy();
    const got = await ews.EmailMessage.Bind(service(1), await arrival(1, `${name} sent`));
    assert.match(got.Body.Text, /my answer/);
    const marked = await soap('<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>'
      + '<t:FieldURI FieldURI="item:IconIndex"/></t:AdditionalProperties></m:ItemShape><m:ItemIds>'
      + `<t:ItemId Id="${id.UniqueId}"/></m:ItemIds></m:GetItem>`);
    assert.match(marked, new RegExp(`<t:IconIndex>${icon}<`));
  });
}

test('messages: junk, and a whole folder read', async () => {
  const item = await saved(service(), 'rubbish', FOLDERS.Inbox);
  const unread = await saved(service(), 'unread', FOLDERS.Inbox);
  unread.IsRead = false;
  await unread.Update(ews.ConflictResolutionMode.AutoResolve);
  const junk = await stateOf(FOLDERS.JunkEmail);
  const [answer] = (await service().MarkAsJunk([item.Id], true, true)).Responses;
  assert.equal(answer.Result, ews.ServiceResult.Success);
  // The library does not read MovedItemId.
  const { changes: [[kind, id]] } = await changesSince(FOLDERS.JunkEmail, junk);
  assert.equal(kind, ews.ChangeType.Create);
  assert.match(await getItem(new ews.ItemId(id)), /rubbish/);
  assert.match(await getItem(item.Id), /ErrorItemNotFound/);
  const inbox = await ews.Folder.Bind(service(), new ews.FolderId(FOLDERS.Inbox));
  assert.ok(inbox.UnreadCount >= 1);
  await inbox.MarkAllItemsAsRead(true);
  assert.equal((await ews.Folder.Bind(service(), new ews.FolderId(FOLDERS.Inbox))).UnreadCount, 0);
});

test('folders: create, rename, move, empty, delete', async () => {
  const client = service();
  const root = new ews.FolderId(FOLDERS.MsgFolderRoot);
  const hierarchy = async (state) => {
    const page = await service().SyncFolderHierarchy(root, ews.PropertySet.FirstClassProperties, state);
    return { changes: page.GetEnumerator().map((c) => [c.ChangeType, c.FolderId.UniqueId]), state: page.SyncState };
  };
  let { state } = await hierarchy(null);
  const expect = async (kind, id) => {
    const next = await hierarchy(state);
    assert.deepEqual(next.changes, [[kind, id]]);
    state = next.state;
  };
  const folder = new ews.Folder(client);
  folder.DisplayName = 'js folder';
  await folder.Save(FOLDERS.MsgFolderRoot);
  const id = folder.Id.UniqueId;
  await expect(ews.ChangeType.Create, id);
  folder.DisplayName = 'renamed';
  await folder.Update();
  await expect(ews.ChangeType.Update, id);
  await folder.Move(FOLDERS.Inbox);
  await expect(ews.ChangeType.Update, id);
  assert.equal((await ews.Folder.Bind(service(), new ews.FolderId(id))).DisplayName, 'renamed');
  await saved(client, 'inside', new ews.FolderId(id));
  await folder.Empty(ews.DeleteMode.HardDelete, true);
  assert.equal((await ews.Folder.Bind(service(), new ews.FolderId(id))).TotalCount, 0);
  state = (await hierarchy(state)).state;
  await folder.Delete(ews.DeleteMode.HardDelete);
  await expect(ews.ChangeType.Delete, id);
});

test('calendar: a series, one of it changed, one deleted', async () => {
  const client = service();
  const item = new ews.Appointment(client);
  item.Subject = 'weekly';
  item.Location = 'Saal 2';
  item.Start = new ews.DateTime('2027-05-03T10:00:00Z');
  item.End = new ews.DateTime('2027-05-03T11:00:00Z');
  item.Recurrence = new ews.Recurrence.WeeklyPattern(new ews.DateTime('2027-05-03T00:00:00Z'), 1, [ews.DayOfTheWeek.Monday]);
  item.Recurrence.NumberOfOccurrences = 4;
  let state = await stateOf(FOLDERS.Calendar);
  await item.Save(FOLDERS.Calendar, ews.SendInvitationsMode.SendToNone);
  const id = item.Id.UniqueId;
  state = await assertChanges(FOLDERS.Calendar, state, [[ews.ChangeType.Create, id]]);
  const subjects = async () => {
    const view = new ews.CalendarView(new ews.DateTime('2027-05-01T00:00:00Z'), new ews.DateTime('2027-05-31T00:00:00Z'));
    return (await service().FindAppointments(FOLDERS.Calendar, view)).Items.map((i) => i.Subject);
  };
  assert.deepEqual(await subjects(), ['weekly', 'weekly', 'weekly', 'weekly']);
  const second = await ews.Appointment.BindToOccurrence(service(), item.Id, 2);
  second.Subject = 'special';
  await second.Update(ews.ConflictResolutionMode.AlwaysOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
  state = await assertChanges(FOLDERS.Calendar, state, [[ews.ChangeType.Update, id]]);
  assert.deepEqual(await subjects(), ['weekly', 'special', 'weekly', 'weekly']);
  const third = await ews.Appointment.BindToOccurrence(service(), item.Id, 3);
  await third.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);
  state = await assertChanges(FOLDERS.Calendar, state, [[ews.ChangeType.Update, id]]);
  assert.deepEqual(await subjects(), ['weekly', 'special', 'weekly']);
  await item.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);
  await assertChanges(FOLDERS.Calendar, state, [[ews.ChangeType.Delete, id]]);
});

test('contacts: fields and dictionaries', async () => {
  const item = new ews.Contact(service());
  item.DisplayName = 'Eva Muster';
  item.GivenName = 'Eva';
  item.Surname = 'Muster';
  item.CompanyName = escaped('ACME & Söhne');
  item.EmailAddresses._setItem(ews.EmailAddressKey.EmailAddress1, new ews.EmailAddress('eva@example.org'));
  item.PhoneNumbers._setItem(ews.PhoneNumberKey.MobilePhone, '+49 170 1');
  await item.Save(FOLDERS.Contacts);
  const state = await stateOf(FOLDERS.Contacts);
  const got = await ews.Contact.Bind(service(), item.Id);
  assert.deepEqual([got.DisplayName, got.GivenName, got.Surname, got.CompanyName], ['Eva Muster', 'Eva', 'Muster', 'ACME & Söhne']);
  assert.equal(got.EmailAddresses._getItem(ews.EmailAddressKey.EmailAddress1).Address, 'eva@example.org');
  assert.equal(got.PhoneNumbers._getItem(ews.PhoneNumberKey.MobilePhone), '+49 170 1');
  got.JobTitle = 'Boss';
  await got.Update(ews.ConflictResolutionMode.AutoResolve);
  await assertChanges(FOLDERS.Contacts, state, [[ews.ChangeType.Update, item.Id.UniqueId]]);
  assert.match(await getItem(item.Id), /<t:JobTitle>Boss</);
});

test('distribution lists and tasks', async () => {
  const list = new ews.ContactGroup(service());
  list.DisplayName = 'team';
  list.Members.AddOneOff('A', 'a@example.org', 'SMTP');
  await list.Save(FOLDERS.Contacts);
  assert.match(await getItem(list.Id), /<t:DisplayName>team<[^]*a@example\.org/);
  const task = new ews.Task(service());
  task.Subject = 'Steuer';
  task.Status = ews.TaskStatus.InProgress;
  task.PercentComplete = 40;
  task.DueDate = new ews.DateTime('2027-05-31T00:00:00Z');
  await task.Save(FOLDERS.Tasks);
  const got = await ews.Task.Bind(service(), task.Id);
  assert.deepEqual([got.Subject, got.Status, Number(got.PercentComplete)], ['Steuer', ews.TaskStatus.InProgress, 40]);
  got.Status = ews.TaskStatus.Completed;
  await got.Update(ews.ConflictResolutionMode.AutoResolve);
  assert.match(await getItem(task.Id), /<t:IsComplete>true</);
});

test('what plain requests wrote', async () => {
  const state = await stateOf(FOLDERS.Tasks);
  const answer = await soap('<m:CreateItem><m:SavedItemFolderId><t:DistinguishedFolderId Id="tasks"/></m:SavedItemFolderId><m:Items>'
    + '<t:Task><t:Subject>raw</t:Subject><t:Categories><t:String>Red</t:String></t:Categories>'
    + '<t:Status>WaitingOnOthers</t:Status></t:Task></m:Items></m:CreateItem>');
  const [, id] = /ItemId Id="([^"]+)"/.exec(answer);
  await assertChanges(FOLDERS.Tasks, state, [[ews.ChangeType.Create, id]]);
  const got = await ews.Task.Bind(service(), new ews.ItemId(id));
  assert.deepEqual([got.Subject, got.Status, got.Categories.GetEnumerator()], ['raw', ews.TaskStatus.WaitingOnOthers, ['Red']]);
});
