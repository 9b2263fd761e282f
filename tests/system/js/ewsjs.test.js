'use strict';
// ews-javascript-api, a port of the EWS Managed API, unmodified, against the demo server.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const ews = require('ews-javascript-api');
const { startDemo, deliver } = require('./server.js');

let server;
before(async () => { server = await startDemo(); });
after(() => server.stop());

const INBOX = ews.WellKnownFolderName.Inbox;
const S = {
  subject: ews.ItemSchema.Subject,
  received: ews.ItemSchema.DateTimeReceived,
  messageId: ews.EmailMessageSchema.InternetMessageId,
};

function service(version = ews.ExchangeVersion.Exchange2013_SP1, password = undefined) {
  const [alice] = server.users;
  const found = new ews.ExchangeService(version);
  found.Credentials = new ews.WebCredentials(alice.address, password || alice.password);
  found.Url = new ews.Uri(server.url);
  return found;
}

function idOnly(...properties) {
  return new ews.PropertySet(ews.BasePropertySet.IdOnly, properties);
}

function inbox() {
  return new ews.FolderId(INBOX);
}

function message(subject) {
  return `From: Sender <sender@example.org>\r\nTo: alice@example.com\r\nSubject: ${subject}\r\n`
    + `Message-ID: <${subject.replace(/\W/g, '-')}@example.org>\r\n\r\ntext of ${subject}`;
}

// All changes from a state on, as the library's users loop.
async function syncAll(client, properties, state, size = 512) {
  const changes = [];
  let pages = 0;
  for (;;) {
    const page = await client.SyncFolderItems(inbox(), properties, null, size, ews.SyncFolderItemsScope.NormalItems, state);
    changes.push(...page.GetEnumerator());
    pages += 1;
    state = page.SyncState;
    assert.ok(state.length > 0 && state.length <= 64);
    if (!page.MoreChangesAvailable) return { changes, state, pages };
    assert.ok(page.Count > 0 || pages < 1000, 'pages without changes');
  }
}

async function rejectsWith(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.ErrorCode ?? error.errorCode, code, String(error.Message || error));
    return true;
  });
}

for (const name of ['Exchange2007_SP1', 'Exchange2010', 'Exchange2010_SP2', 'Exchange2013', 'Exchange2013_SP1', 'Exchange2015', 'Exchange2016']) {
  if (ews.ExchangeVersion[name] === undefined) continue;
  test(`connecting: as ${name}`, async () => {
    const client = service(ews.ExchangeVersion[name]);
    const folder = await ews.Folder.Bind(client, INBOX);
    assert.equal(folder.DisplayName, 'Inbox');
    assert.equal(client.ServerInfo.MajorVersion, 15);
    assert.ok(folder.TotalCount > 50);
  });
}

test('connecting: a wrong password is refused', async () => {
  await assert.rejects(ews.Folder.Bind(service(undefined, 'wrong'), INBOX));
});

test('folders: FindFolders shallow and deep', async () => {
  const view = new ews.FolderView(100);
  const shallow = await service().FindFolders(ews.WellKnownFolderName.MsgFolderRoot, view);
  const names = shallow.Folders.map((f) => f.DisplayName);
  for (const name of ['Inbox', 'Drafts', 'Sent Items', 'Deleted Items', 'Calendar', 'Contacts', 'Tasks']) assert.ok(names.includes(name), name);
  assert.ok(!names.includes('Projects'));
  const deepView = new ews.FolderView(100);
  deepView.Traversal = ews.FolderTraversal.Deep;
  const deep = await service().FindFolders(ews.WellKnownFolderName.MsgFolderRoot, deepView);
  assert.ok(deep.Folders.some((f) => f.DisplayName === 'Projects'));
  assert.equal(deep.MoreAvailable, false);
  assert.equal(deep.TotalCount, deep.Folders.length);
});

test('folders: FindFolders by pages', async () => {
  // The library does not tell the next page's offset of folders.
  const names = [];
  for (let more = true; more;) {
    const view = new ews.FolderView(3, names.length);
    const found = await service().FindFolders(ews.WellKnownFolderName.MsgFolderRoot, view);
    names.push(...found.Folders.map((f) => f.DisplayName));
    more = found.MoreAvailable;
  }
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length > 8);
});

test('folders: SyncFolderHierarchy', async () => {
  const client = service();
  const root = new ews.FolderId(ews.WellKnownFolderName.MsgFolderRoot);
  const first = await client.SyncFolderHierarchy(root, ews.PropertySet.FirstClassProperties, null);
  const names = first.GetEnumerator().map((change) => change.Folder.DisplayName);
  assert.ok(names.includes('Inbox') && names.includes('Projects'));
  assert.ok(first.GetEnumerator().every((change) => change.ChangeType === ews.ChangeType.Create));
  assert.equal(first.MoreChangesAvailable, false);
  const second = await client.SyncFolderHierarchy(root, ews.PropertySet.FirstClassProperties, first.SyncState);
  assert.equal(second.Count, 0);
});

test('folders: SyncFolderHierarchy with a state of nobody', async () => {
  const root = new ews.FolderId(ews.WellKnownFolderName.MsgFolderRoot);
  await rejectsWith(service().SyncFolderHierarchy(root, ews.PropertySet.IdOnly, 'nonsense'), ews.ServiceError.ErrorInvalidSyncStateData);
});

test('item sync: over pages tells each item once, newest first', async () => {
  const client = service();
  const whole = await syncAll(client, idOnly(S.subject, S.received));
  const dates = whole.changes.map((change) => change.Item.DateTimeReceived.TotalMilliSeconds);
  assert.deepEqual(dates, [...dates].sort((a, b) => b - a));
  const ids = whole.changes.map((change) => change.ItemId.UniqueId);
  assert.equal(new Set(ids).size, ids.length);
  for (const size of [7, 50]) {
    const paged = await syncAll(client, ews.PropertySet.IdOnly, null, size);
    assert.deepEqual(paged.changes.map((change) => change.ItemId.UniqueId), ids);
    assert.ok(paged.pages >= ids.length / size);
  }
});

test('item sync: incremental after deliveries', async () => {
  const client = service();
  let { state } = await syncAll(client, ews.PropertySet.IdOnly);
  for (let i = 0; i < 3; i += 1) {
    await deliver(server, 'alice@example.com', message(`news ${i}`));
    const next = await syncAll(client, idOnly(S.subject, ews.EmailMessageSchema.IsRead), state);
    assert.deepEqual(next.changes.map((c) => [c.ChangeType, c.Item.Subject, c.Item.IsRead]), [[ews.ChangeType.Create, `news ${i}`, false]]);
    state = next.state;
  }
  assert.equal((await syncAll(client, ews.PropertySet.IdOnly, state)).changes.length, 0);
});

test('item sync: with all properties there are, each class by its own', async () => {
  const { changes } = await syncAll(service(), ews.PropertySet.FirstClassProperties);
  const classes = new Set(changes.map((change) => change.Item.constructor.name));
  assert.ok(classes.has('EmailMessage') && classes.has('MeetingRequest') && classes.has('MeetingCancellation'), [...classes].join());
  assert.ok(changes.every((change) => change.Item.Subject !== undefined));
});

test('item sync: ignores what it is told to ignore', async () => {
  const client = service();
  const { changes } = await syncAll(client, ews.PropertySet.IdOnly);
  const ignored = changes.slice(0, 5).map((change) => change.ItemId);
  const page = await client.SyncFolderItems(inbox(), ews.PropertySet.IdOnly, ignored, 512, ews.SyncFolderItemsScope.NormalItems, null);
  assert.equal(page.Count, changes.length - 5);
  assert.equal(page.MoreChangesAvailable, false);
});

test('item sync: with a state of nobody', async () => {
  await rejectsWith(service().SyncFolderItems(inbox(), ews.PropertySet.IdOnly, null, 10, ews.SyncFolderItemsScope.NormalItems, 'nonsense'),
    ews.ServiceError.ErrorInvalidSyncStateData);
});

test('reading: BindToItems loads bodies of every item', async () => {
  const client = service();
  const { changes } = await syncAll(client, ews.PropertySet.IdOnly);
  const ids = changes.map((change) => change.ItemId);
  const properties = new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [ews.ItemSchema.Body]);
  for (let at = 0; at < ids.length; at += 50) {
    const responses = await client.BindToItems(ids.slice(at, at + 50), properties);
    for (const response of responses.Responses) {
      assert.equal(response.Result, ews.ServiceResult.Success);
      assert.ok(response.Item.Body.Text.length > 0);
    }
  }
});

test('reading: the text of an HTML message', async () => {
  // The library cannot ask for HTML: its number is 0, which counts as unset; unset is what has HTML as it comes.
  const client = service();
  await deliver(server, 'alice@example.com', message('rich').replace('\r\n\r\n', '\r\nContent-Type: text/html\r\n\r\n<b>bold</b> '));
  const found = await client.FindItems(INBOX, new ews.SearchFilter.IsEqualTo(S.subject, 'rich'), new ews.ItemView(10));
  assert.equal(found.Items.length, 1);
  for (const [asked, type, part] of [[ews.BodyType.Text, ews.BodyType.Text, 'bold'], [null, ews.BodyType.HTML, '<b>bold</b>']]) {
    const properties = idOnly(ews.ItemSchema.Body);
    properties.RequestedBodyType = asked;
    const item = await ews.EmailMessage.Bind(client, found.Items[0].Id, properties);
    assert.equal(item.Body.BodyType, type);
    assert.ok(item.Body.Text.includes(part));
    assert.equal(item.Body.Text.includes('<b>'), type === ews.BodyType.HTML);
  }
});

test('reading: MIME content, sender and recipients', async () => {
  const client = service();
  const text = message('exact bytes');
  await deliver(server, 'alice@example.com', text);
  const found = await client.FindItems(INBOX, new ews.SearchFilter.ContainsSubstring(S.messageId, 'exact-bytes@'), new ews.ItemView(10));
  assert.equal(found.TotalCount, 1);
  const item = await ews.EmailMessage.Bind(client, found.Items[0].Id,
    new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [ews.ItemSchema.MimeContent]));
  assert.equal(Buffer.from(item.MimeContent.Content, 'base64').toString(), `${text}\r\n`);
  assert.equal(item.From.Address, 'sender@example.org');
  assert.equal(item.From.Name, 'Sender');
  assert.deepEqual(item.ToRecipients.Items.map((to) => to.Address), ['alice@example.com']);
  assert.equal(item.InternetMessageId, '<exact-bytes@example.org>');
  assert.equal(item.Size, text.length + 2);
});

test('reading: attachments load', async () => {
  const client = service();
  const filter = new ews.SearchFilter.IsEqualTo(ews.ItemSchema.HasAttachments, true);
  const found = await client.FindItems(INBOX, filter, new ews.ItemView(10));
  assert.ok(found.Items.length > 0);
  let loaded = 0;
  for (const { Id } of found.Items) {
    const item = await ews.EmailMessage.Bind(client, Id, idOnly(ews.ItemSchema.Attachments));
    for (const attachment of item.Attachments.Items) {
      await attachment.Load();
      assert.ok(attachment.Base64Content.length > 0, attachment.Name);
      loaded += 1;
    }
  }
  assert.ok(loaded > 0);
});

test('reading: a meeting request', async () => {
  const client = service();
  const { changes } = await syncAll(client, ews.PropertySet.IdOnly);
  const change = changes.find((c) => c.Item instanceof ews.MeetingRequest);
  const request = await ews.MeetingRequest.Bind(client, change.ItemId);
  assert.ok(request.Start.TotalMilliSeconds < request.End.TotalMilliSeconds);
  assert.ok(request.Organizer.Address.includes('@'));
  assert.ok(request.Location.length > 0);
});

test('searching: a filter and a sort order', async () => {
  const view = new ews.ItemView(20);
  view.PropertySet = idOnly(S.subject, S.received);
  view.OrderBy.Add(S.subject, ews.SortDirection.Ascending);
  const filter = new ews.SearchFilter.SearchFilterCollection(ews.LogicalOperator.And, [
    new ews.SearchFilter.ContainsSubstring(S.subject, 'MEETING', ews.ContainmentMode.Substring, ews.ComparisonMode.IgnoreCase),
    new ews.SearchFilter.Not(new ews.SearchFilter.IsEqualTo(S.subject, 'no such subject')),
  ]);
  const found = await service().FindItems(INBOX, filter, view);
  const subjects = found.Items.map((item) => item.Subject);
  assert.ok(subjects.length > 0);
  assert.ok(subjects.every((subject) => /meeting/i.test(subject)));
});

test('searching: pages in the order of dates', async () => {
  // Within a page the library sorts by class: pages are compared as wholes.
  const client = service();
  const pages = [];
  for (let offset = 0, more = true; more;) {
    const view = new ews.ItemView(30, offset);
    view.PropertySet = idOnly(S.received);
    view.OrderBy.Add(S.received, ews.SortDirection.Ascending);
    const found = await client.FindItems(INBOX, view);
    pages.push(found.Items.map((item) => item.DateTimeReceived.TotalMilliSeconds));
    more = found.MoreAvailable;
    offset = found.NextPageOffset;
  }
  for (let i = 1; i < pages.length; i += 1) assert.ok(Math.max(...pages[i - 1]) <= Math.min(...pages[i]));
  const folder = await ews.Folder.Bind(client, INBOX);
  assert.equal(pages.flat().length, folder.TotalCount);
});

test('searching: unread mail', async () => {
  const client = service();
  const found = await client.FindItems(INBOX, new ews.SearchFilter.IsEqualTo(ews.EmailMessageSchema.IsRead, false), new ews.ItemView(500));
  const folder = await ews.Folder.Bind(client, INBOX);
  assert.equal(found.TotalCount, folder.UnreadCount);
});
