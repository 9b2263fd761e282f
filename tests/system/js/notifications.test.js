'use strict';
// ews-javascript-api, unmodified, is told of changes: by streaming connections that it opens again when they end, and by asking.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const ews = require('ews-javascript-api');
const { XhrApi } = require('@ewsjs/xhr');
const { startDemo, deliver } = require('./server.js');

const PATIENCE_MS = 30000;
const RATE = 60; // of the fast server's clock: its minutes are seconds
const FOLDERS = ews.WellKnownFolderName;
const { EventType } = ews;
const ALL_TYPES = [EventType.NewMail, EventType.Created, EventType.Modified, EventType.Moved, EventType.Copied,
  EventType.Deleted, EventType.FreeBusyChanged];
let server;
let fast;
let directory;
before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ewer-js-'));
  const config = path.join(directory, 'ewer.conf');
  fs.writeFileSync(config, `[test]\nclock_rate = ${RATE}\n`);
  server = await startDemo();
  fast = await startDemo('--config', config);
});
after(async () => {
  await server.stop();
  await fast.stop();
  fs.rmSync(directory, { recursive: true });
});

// Ending a stream ends what the service's transport opened last: a connection has a service of its own.
function service(user = 0, of = server) {
  const made = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013_SP1);
  made.Credentials = new ews.WebCredentials(of.users[user].address, of.users[user].password);
  made.Url = new ews.Uri(of.url);
  made.XHRApi = new XhrApi();
  return made;
}

function mail(subject) {
  return `From: Sender <sender@example.org>\r\nTo: alice@example.com\r\nSubject: ${subject}\r\n\r\ntext`;
}

// A queue that is waited at; what handlers throw the library swallows, so they only put things here.
class Waiting {
  constructor() { this.things = []; this.waiters = []; }

  put(thing) {
    const waiter = this.waiters.shift();
    if (waiter) waiter(thing); else this.things.push(thing);
  }

  async take(what = 'nothing was told') {
    if (this.things.length > 0) return this.things.shift();
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(what)), PATIENCE_MS); });
    const thing = await Promise.race([new Promise((resolve) => { this.waiters.push(resolve); }), late]);
    clearTimeout(timer);
    return thing;
  }
}

// [what, id, parent], and for what was moved or copied also the old id and the old parent.
function plainly(event) {
  const kind = event instanceof ews.FolderEvent ? 'Folder' : 'Item';
  assert.ok(event instanceof ews.NotificationEvent && event.TimeStamp instanceof ews.DateTime);
  const found = [`${kind} ${EventType[event.EventType]}`, event[`${kind}Id`].UniqueId, event.ParentFolderId.UniqueId];
  const isMove = [EventType.Moved, EventType.Copied].includes(event.EventType);
  return isMove ? [...found, event[`Old${kind}Id`].UniqueId, event.OldParentFolderId.UniqueId] : found;
}

// The library puts the events of one notification in order by type.
function inAnyOrder(events) {
  return events.map((event) => JSON.stringify(event)).sort();
}

// A connection with these subscriptions; told gets [subscription, event], errors and ends what the other handlers get.
class Stream {
  constructor(client, subscriptions, minutes = 30) {
    this.connection = subscriptions.length > 1
      ? new ews.StreamingSubscriptionConnection(client, subscriptions, minutes)
      : new ews.StreamingSubscriptionConnection(client, minutes);
    if (subscriptions.length === 1) this.connection.AddSubscription(subscriptions[0]);
    this.told = new Waiting();
    this.errors = new Waiting();
    this.ends = new Waiting();
    this.failures = [];
    this.again = 0;
    this.connection.OnNotificationEvent.push((_, { Subscription, Events }) => {
      Events.forEach((event) => this.told.put([Subscription.Id, event]));
    });
    this.connection.OnSubscriptionError.push((_, error) => this.errors.put(error));
    this.connection.OnDisconnect.push((connection, args) => {
      if (this.again > 0) { this.again -= 1; this.open(); }
      this.ends.put(args);
    });
  }

  // The promise is never kept, by the library's design; it is broken by errors.
  open() {
    this.connection.Open().catch((error) => this.failures.push(error));
    return this;
  }

  async events(count) {
    const found = [];
    while (found.length < count) found.push((await this.told.take(`${found.length} of ${count} were told`))[1]);
    return found;
  }

  close() {
    if (this.connection.IsOpen) this.connection.Close();
    assert.deepEqual(this.failures, []);
  }
}

async function subscribed(client, folders, ...types) {
  const ids = folders.map((folder) => new ews.FolderId(folder));
  const found = await client.SubscribeToStreamingNotifications(ids, ...types);
  assert.ok(found.Id && !found.Watermark);
  return found;
}

async function newest(client) {
  const view = new ews.ItemView(1);
  view.OrderBy.Add(ews.ItemSchema.DateTimeReceived, ews.SortDirection.Descending);
  const found = await client.FindItems(FOLDERS.Inbox, view);
  return found.Items[0].Id;
}

async function idOf(client, folder) {
  return (await ews.Folder.Bind(client, folder)).Id.UniqueId;
}

// ---- every event, in the ways the library has

async function ofMail(client, inbox, drafts, hears) {
  await deliver(server, server.users[0].address, mail('told'));
  const item = await ews.EmailMessage.Bind(client, await newest(client));
  const id = item.Id.UniqueId;
  const root = await idOf(client, FOLDERS.MsgFolderRoot);
  const changed = (folder) => ['Folder Modified', folder, root];
  await hears([['Item NewMail', id, inbox], ['Item Created', id, inbox], changed(inbox)]);
  item.IsRead = true;
  await item.Update(ews.ConflictResolutionMode.AutoResolve);
  await hears([['Item Modified', id, inbox], changed(inbox)]);
  const copy = (await item.Copy(FOLDERS.Drafts)).Id.UniqueId;
  await hears([['Item Copied', copy, drafts, id, inbox], ['Item Created', copy, drafts], changed(drafts)]);
  const moved = await item.Move(FOLDERS.Drafts);
  const movedId = moved.Id.UniqueId;
  await hears([['Item Modified', id, inbox], ['Item Moved', movedId, drafts, id, inbox], changed(inbox), changed(drafts)]);
  await moved.Delete(ews.DeleteMode.HardDelete);
  await hears([['Item Deleted', movedId, drafts], changed(drafts)]);
}

async function ofAppointments(client, calendar, hears) {
  const root = await idOf(client, FOLDERS.MsgFolderRoot);
  const item = new ews.Appointment(client);
  item.Subject = 'busy';
  item.Start = new ews.DateTime('2027-05-03T10:00:00Z');
  item.End = new ews.DateTime('2027-05-03T11:00:00Z');
  await item.Save(FOLDERS.Calendar, ews.SendInvitationsMode.SendToNone);
  const id = item.Id.UniqueId;
  for (const [change, what] of [
    [() => {}, 'Created'],
    [() => {
      item.LegacyFreeBusyStatus = ews.LegacyFreeBusyStatus.OOF;
      return item.Update(ews.ConflictResolutionMode.AlwaysOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
    }, 'Modified'],
    [() => item.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone), 'Deleted'],
  ]) {
    await change();
    await hears([[`Item ${what}`, id, calendar], ['Item FreeBusyChanged', id, calendar], ['Folder Modified', calendar, root]]);
  }
}

async function ofFolders(client, inbox, drafts, hears) {
  const root = await idOf(client, FOLDERS.MsgFolderRoot);
  const changed = (folder) => ['Folder Modified', folder, root];
  const folder = new ews.Folder(client);
  folder.DisplayName = 'told';
  await folder.Save(FOLDERS.Inbox);
  const id = folder.Id.UniqueId;
  await hears([['Folder Created', id, inbox], changed(inbox)]);
  folder.DisplayName = 'told anew';
  await folder.Update();
  await hears([['Folder Modified', id, inbox], changed(inbox)]);
  const copy = await folder.Copy(FOLDERS.Drafts);
  const copied = copy.Id.UniqueId;
  await hears([['Folder Copied', copied, drafts, id, inbox], ['Folder Created', copied, drafts], changed(drafts)]);
  await copy.Delete(ews.DeleteMode.HardDelete);
  await hears([['Folder Deleted', copied, drafts], changed(drafts)]);
  await folder.Move(FOLDERS.Drafts);
  await hears([['Folder Moved', id, drafts, id, inbox], changed(inbox), changed(drafts)]);
  await folder.Delete(ews.DeleteMode.HardDelete);
  await hears([['Folder Deleted', id, drafts], changed(drafts)]);
}

// All steps; hears is told what each one must make heard.
async function allSteps(hears) {
  const client = service();
  const [inbox, drafts, calendar] = await Promise.all(
    [FOLDERS.Inbox, FOLDERS.Drafts, FOLDERS.Calendar].map((folder) => idOf(client, folder)),
  );
  const kinds = new Set();
  const checked = async (wanted) => {
    wanted.forEach(([what]) => kinds.add(what.split(' ')[1]));
    await hears(wanted);
  };
  await ofMail(client, inbox, drafts, checked);
  await ofAppointments(client, calendar, checked);
  await ofFolders(client, inbox, drafts, checked);
  assert.deepEqual([...kinds].sort(), ALL_TYPES.map((type) => EventType[type]).sort());
}

test('streams: every event', async () => {
  const client = service();
  const subscription = await subscribed(client, [FOLDERS.Inbox, FOLDERS.Drafts, FOLDERS.Calendar], ...ALL_TYPES);
  const stream = new Stream(client, [subscription]).open();
  await allSteps(async (wanted) => {
    assert.deepEqual(inAnyOrder((await stream.events(wanted.length)).map(plainly)), inAnyOrder(wanted));
  });
  stream.close();
  await subscription.Unsubscribe();
});

// One page and its echoes: the library's watermark after a page is that of the page's last type, and what is later it is told again.
async function asked(subscription) {
  const page = await subscription.GetEvents();
  const told = new Set(inAnyOrder(page.AllEvents.map(plainly)));
  assert.equal(page.AllEvents.length, page.ItemEvents.length + page.FolderEvents.length);
  let echo = page;
  while (echo.AllEvents.length > 0) {
    echo = await subscription.GetEvents();
    inAnyOrder(echo.AllEvents.map(plainly)).forEach((event) => assert.ok(told.has(event), event));
  }
  return page.AllEvents;
}

test('pull: every event', async () => {
  const client = service();
  const ids = [FOLDERS.Inbox, FOLDERS.Drafts, FOLDERS.Calendar].map((folder) => new ews.FolderId(folder));
  const subscription = await client.SubscribeToPullNotifications(ids, 10, null, ...ALL_TYPES);
  assert.ok(subscription.Id && subscription.Watermark);
  assert.deepEqual(await asked(subscription), []);
  await allSteps(async (wanted) => {
    assert.deepEqual(inAnyOrder((await asked(subscription)).map(plainly)), inAnyOrder(wanted));
  });
  await subscription.Unsubscribe();
});

test('all folders, by streams and by asking', async () => {
  const client = service();
  const subscription = await client.SubscribeToStreamingNotificationsOnAllFolders(EventType.Created, EventType.NewMail);
  const stream = new Stream(client, [subscription]).open();
  const pull = await service().SubscribeToPullNotificationsOnAllFolders(10, null, EventType.Created, EventType.NewMail);
  await deliver(server, server.users[0].address, mail('anywhere'));
  const id = (await newest(service())).UniqueId;
  const task = new ews.Task(service());
  task.Subject = 'anything';
  await task.Save(FOLDERS.Tasks);
  const wanted = [['Item NewMail', id], ['Item Created', id], ['Item Created', task.Id.UniqueId]];
  assert.deepEqual(inAnyOrder((await stream.events(3)).map((event) => plainly(event).slice(0, 2))), inAnyOrder(wanted));
  assert.deepEqual(inAnyOrder((await pull.GetEvents()).AllEvents.map((event) => plainly(event).slice(0, 2))), inAnyOrder(wanted));
  stream.close();
});

// ---- pull

test('pull: many events, by pages, and from a watermark on', async () => {
  const [, bob] = server.users;
  const client = service(1);
  const pull = await client.SubscribeToPullNotifications([new ews.FolderId(FOLDERS.Inbox)], 1440, null, EventType.NewMail);
  const start = pull.Watermark;
  for (let i = 0; i < 60; i += 1) await deliver(server, bob.address, mail(`page ${i}`));
  const first = await pull.GetEvents();
  assert.deepEqual([first.AllEvents.length, pull.MoreEventsAvailable], [50, true]);
  const second = await pull.GetEvents();
  assert.deepEqual([second.AllEvents.length, pull.MoreEventsAvailable], [10, false]);
  const ids = [...first.AllEvents, ...second.AllEvents].map((event) => event.ItemId.UniqueId);
  assert.equal(new Set(ids).size, 60);
  const quiet = await pull.GetEvents();
  assert.deepEqual([quiet.AllEvents, pull.MoreEventsAvailable], [[], false]);
  const other = await client.SubscribeToPullNotifications([new ews.FolderId(FOLDERS.Inbox)], 1, start, EventType.NewMail);
  assert.equal(other.Watermark, start);
  assert.deepEqual((await other.GetEvents()).AllEvents.map((event) => event.ItemId.UniqueId), ids.slice(0, 50));
});

async function rejectsWith(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(ews.ServiceError[error.ErrorCode], code, String(error.Message || error));
    return true;
  });
}

test('pull: errors', async () => {
  const client = service();
  const inbox = [new ews.FolderId(FOLDERS.Inbox)];
  const pull = await client.SubscribeToPullNotifications(inbox, 10, null, EventType.Created);
  const good = pull.Watermark;
  pull.Watermark = 'nonsense';
  await rejectsWith(pull.GetEvents(), 'ErrorInvalidWatermark');
  await rejectsWith(client.SubscribeToPullNotifications(inbox, 10, 'nonsense', EventType.Created), 'ErrorInvalidWatermark');
  await rejectsWith(service(1).Unsubscribe(pull.Id), 'ErrorSubscriptionAccessDenied');
  pull.Watermark = good;
  await pull.GetEvents();
  await pull.Unsubscribe();
  await rejectsWith(pull.GetEvents(), 'ErrorSubscriptionNotFound');
  await rejectsWith(pull.Unsubscribe(), 'ErrorSubscriptionNotFound');
  await rejectsWith(client.SubscribeToStreamingNotifications([new ews.FolderId('AAAA')], EventType.Created), 'ErrorInvalidIdMalformed');
});

// ---- streams

test('streams: several subscriptions on one connection', async () => {
  const client = service();
  const subscriptions = [
    await subscribed(client, [FOLDERS.Inbox], EventType.NewMail),
    await subscribed(client, [FOLDERS.Inbox], EventType.Created, EventType.Modified),
    await subscribed(client, [FOLDERS.Tasks], EventType.Created),
  ];
  const stream = new Stream(client, subscriptions);
  assert.equal(stream.connection.CurrentSubscriptions.length, 3);
  stream.open();
  // One document for each, in quick succession, and more while the first ones are told.
  const ids = [];
  for (let i = 0; i < 5; i += 1) {
    await deliver(server, server.users[0].address, mail(`shared ${i}`));
    ids.push((await newest(service())).UniqueId);
  }
  const told = new Map(subscriptions.map((subscription) => [subscription.Id, []]));
  for (let i = 0; i < 15; i += 1) {
    const [subscription, event] = await stream.told.take(`${i} of 15 were told`);
    told.get(subscription).push(plainly(event).slice(0, 2));
  }
  const [first, second, third] = subscriptions.map((subscription) => told.get(subscription.Id));
  assert.deepEqual(first, ids.map((id) => ['Item NewMail', id]));
  assert.deepEqual(second.filter(([what]) => what === 'Item Created'), ids.map((id) => ['Item Created', id]));
  assert.equal(second.length, 10);
  assert.deepEqual(third, []);
  stream.close();
});

test('streams: two connections, and none gets what is the other\'s', async () => {
  const clients = [service(0), service(1)];
  const streams = [];
  for (const client of clients) streams.push(new Stream(client, [await subscribed(client, [FOLDERS.Inbox], EventType.NewMail)]).open());
  for (const user of [0, 1, 0]) await deliver(server, server.users[user].address, mail('to whom'));
  await streams[1].events(1);
  await streams[0].events(2);
  streams.forEach((stream) => {
    assert.deepEqual(stream.told.things, []);
    stream.close();
  });
});

test('streams: closed by the client, opened again, nothing is lost', async () => {
  const client = service();
  const subscription = await subscribed(client, [FOLDERS.Inbox], EventType.NewMail);
  const stream = new Stream(client, [subscription]);
  const told = new Set();
  const wanted = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await deliver(server, server.users[0].address, mail(`turn ${turn}`));
    wanted.push((await newest(service())).UniqueId);
    stream.open();
    // What the dropped connection was told may come again, before what is new.
    while (!told.has(wanted[turn])) told.add((await stream.events(1))[0].ItemId.UniqueId);
    stream.connection.Close();
    await stream.ends.take('no disconnect');
    assert.equal(stream.connection.IsOpen, false);
  }
  assert.deepEqual([...told], wanted);
  stream.close();
});

test('streams: errors name their subscriptions', async () => {
  const client = service();
  const good = await subscribed(client, [FOLDERS.Inbox], EventType.NewMail);
  const bad = await subscribed(client, [FOLDERS.Inbox], EventType.Created);
  await bad.Unsubscribe();
  const stream = new Stream(client, [good, bad]).open();
  const error = await stream.errors.take('no error');
  assert.equal(error.Subscription.Id, bad.Id);
  assert.equal(ews.ServiceError[error.Exception.ErrorCode], 'ErrorInvalidSubscription');
  await stream.ends.take('no disconnect');
  // The library has taken the bad one off; the good one goes on.
  assert.deepEqual(stream.connection.CurrentSubscriptions.map((subscription) => subscription.Id), [good.Id]);
  stream.open();
  await deliver(server, server.users[0].address, mail('after an error'));
  await stream.events(1);
  // A subscription that ends while it is told, and then the last one.
  await good.Unsubscribe();
  const last = await stream.errors.take('no error for the last');
  assert.equal(last.Subscription.Id, good.Id);
  await stream.ends.take('no disconnect at the end');
  assert.throws(() => stream.connection.Open());
});

test('streams: a newer connection takes over', async () => {
  const subscription = await subscribed(service(), [FOLDERS.Inbox], EventType.NewMail);
  const older = new Stream(service(), [subscription]).open();
  await deliver(server, server.users[0].address, mail('for the older'));
  await older.events(1);
  const newer = new Stream(service(), [subscription]).open();
  const error = await older.errors.take('the older was not told');
  assert.equal(ews.ServiceError[error.Exception.ErrorCode], 'ErrorNewEventStreamConnectionOpened');
  await older.ends.take('the older was not ended');
  await deliver(server, server.users[0].address, mail('for the newer'));
  const id = (await newest(service())).UniqueId;
  let told;
  do { [told] = await newer.events(1); } while (told.ItemId.UniqueId !== id);
  newer.close();
});

// ---- long times, in short

test('streams: opened again whenever they end, for minutes', async () => {
  const client = service(0, fast);
  const subscription = await subscribed(client, [FOLDERS.Inbox], EventType.NewMail);
  const stream = new Stream(client, [subscription], 1);
  stream.again = 2;
  stream.open();
  const wanted = [];
  const told = [];
  for (let ended = 0; ended < 2; ended += 1) {
    for (let i = 0; i < 3; i += 1) {
      await deliver(fast, fast.users[0].address, mail(`${ended} ${i}`));
      wanted.push((await newest(service(0, fast))).UniqueId);
    }
    const end = await stream.ends.take('the connection did not end');
    assert.ok(!end.Exception);
    told.push(...(await stream.events(wanted.length - told.length)).map((event) => event.ItemId.UniqueId));
  }
  assert.deepEqual(told, wanted, 'each once, in order');
  assert.deepEqual(stream.told.things, []);
  stream.close();
});

test('streams: signs of life reach the client', async () => {
  const client = service(1, fast);
  const stream = new Stream(client, [await subscribed(client, [FOLDERS.Inbox], EventType.NewMail)], 2);
  const transport = client.XHRApi;
  let pieces = 0;
  const { xhrStream } = transport;
  transport.xhrStream = (options, progress) => xhrStream.call(transport, options, (event) => {
    pieces += event.type === 'data' && /ConnectionStatus>OK</.test(event.data);
    progress(event);
  });
  stream.open();
  await stream.ends.take('the connection did not end');
  // The first document and then one in 30 to 45 s of silence.
  assert.ok(pieces >= 3 && pieces <= 5, `${pieces} documents`);
});

test('pull: a subscription that nobody asks ends', async () => {
  const inbox = [new ews.FolderId(FOLDERS.Inbox)];
  const client = service(0, fast);
  const asleep = await client.SubscribeToPullNotifications(inbox, 1, null, EventType.Created);
  const awake = await client.SubscribeToPullNotifications(inbox, 1, null, EventType.Created);
  const deadline = Date.now() + 1.5 * (60000 / RATE);
  do { await awake.GetEvents(); } while (Date.now() < deadline);
  await rejectsWith(asleep.GetEvents(), 'ErrorSubscriptionNotFound');
});
