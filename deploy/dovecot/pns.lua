-- Sends the events of Dovecot's push notification framework to PNS. These are new mail in any folder, appended and copied mail,
-- read, flags, deleted and expunged mail, and created, renamed and deleted folders. docs/dovecot.md of PNS has the configuration
-- for Dovecot 2.3 and 2.4.
--
-- It needs nothing but Dovecot: the HTTP client is Dovecot's own. In 2.3 the plugin setting pns_url is the URL, with an API key
-- as password; in 2.4 pns_url is one of the lua_settings.

local url_setting = "pns_url"

-- With "yes", the metadata of a mailbox name the user of PNS, as for the driver "ox" with user_from_metadata. Users can write
-- their metadata, so they can then name another user.
local metadata_setting = "pns_user_from_metadata"
local metadata_key = "/private/vendor/vendor.dovecot/http-notify"

-- As many UIDs as one request may have.
local max_uids = 1000

-- A transaction with more appended mails of one folder sends one request for all of them instead of one for each.
local max_single_appends = 10

-- Longest text of a header, in bytes. PNS shows less, and refuses requests of more than 64 KiB.
local max_text = 4096

-- As the driver "ox": wait 2 s for an answer, and repeat a request once. PNS recognises the repeat.
local client_settings = {
  request_timeout_msecs = 2000,
  connect_timeout_msecs = 2000,
  max_attempts = 2,
  max_auto_retry_delay_secs = 1,
  max_idle_time_msecs = 1000,
  user_agent = "PNS script for Dovecot",
}

local url_of_script = nil
local is_user_in_metadata = nil
local client = nil

function script_init(settings)
  if type(settings) == "table" then
    url_of_script = settings[url_setting]
    is_user_in_metadata = settings[metadata_setting]
  end
  return 0
end

-- Dovecot 2.4 has other names for these settings and refuses unknown ones; there the values of dovecot.conf are used.
local function http_client()
  if client == nil then
    local is_2_3, made = pcall(dovecot.http.client, client_settings)
    client = is_2_3 and made or dovecot.http.client({})
  end
  return client
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(character)
  return escapes[character] or string.format("\\u%04x", string.byte(character))
end

-- PNS refuses text that is not UTF-8, and surrogates in it. A header of a mail may contain any bytes.
local function valid_utf8(text)
  local is_ascii = not text:find("[\128-\255]")
  if is_ascii or (utf8 ~= nil and utf8.len(text) ~= nil and not text:find("\237[\160-\191]")) then
    return text
  end
  return (text:gsub("[\128-\255]", "?"))
end

-- The text of a header on one line and not too long. It is not cut within a character.
local function header_text(text)
  if text == nil then
    return nil
  end
  local line = text:gsub("%c", " ")
  if #line <= max_text then
    return line
  end
  return (line:sub(1, max_text):gsub("[\192-\255][\128-\191]*$", ""))
end

local function json(value)
  if type(value) == "number" then
    return string.format("%.0f", value)
  elseif type(value) == "table" then
    local parts = {}
    for _, each in ipairs(value) do
      table.insert(parts, json(each))
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  return '"' .. valid_utf8(tostring(value)):gsub('[%c"\\]', escaped) .. '"'
end

local function json_object(fields)
  local parts = {}
  for name, value in pairs(fields) do
    table.insert(parts, json(name) .. ":" .. json(value))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function send(url, fields)
  local request = http_client():request({ url = url, method = "PUT" })
  request:add_header("Content-Type", "application/json; charset=utf-8")
  request:set_payload(json_object(fields))
  local response = request:submit()
  local status = response:status()
  if status < 200 or status > 299 then
    dovecot.i_error("pns: " .. fields.event .. " was not accepted: " .. status .. " " .. tostring(response:reason()))
  end
  -- Dovecot's own codes for a request without an answer are above 599.
  if status >= 500 then
    error("the other events of this command are not sent, because PNS does not answer", 0)
  end
end

-- The login, or the user of PNS that the metadata name.
local function user_name(user)
  local setting = is_user_in_metadata or user:plugin_getenv(metadata_setting)
  if setting ~= "yes" then
    return user.username
  end
  local is_read, metadata = pcall(user.metadata_get, user, metadata_key)
  local named = is_read and metadata and metadata:match("user=([^\t]+)")
  return named or user.username
end

function dovecot_lua_notify_begin_txn(user)
  return { user = user, mails = {}, groups = {}, of_key = {}, folders = {} }
end

function dovecot_lua_notify_event_message_new(txn, event)
  table.insert(txn.mails, event)
end

-- Joins the UIDs of events that are otherwise equal, and returns the group of the event.
local function add(txn, event, extra)
  local key = table.concat({ event.name, event.mailbox, tostring(event.uid_validity), json_object(extra or {}) }, "\0")
  local group = txn.of_key[key]
  if group == nil or #group.uids >= max_uids then
    group = { event = event, extra = extra or {}, uids = {} }
    txn.of_key[key] = group
    table.insert(txn.groups, group)
  end
  table.insert(group.uids, event.uid)
  return group
end

function dovecot_lua_notify_event_message_append(txn, event)
  local flags = {}
  for _, flag in ipairs(event.flags or {}) do
    if flag ~= "\\Recent" then
      table.insert(flags, flag)
    end
  end
  local group = add(txn, event, { flags = flags, keywords = event.keywords or {} })
  group.appended = group.appended or {}
  table.insert(group.appended, event)
end

function dovecot_lua_notify_event_message_read(txn, event)
  add(txn, event)
end

function dovecot_lua_notify_event_message_trash(txn, event)
  add(txn, event)
end

function dovecot_lua_notify_event_message_expunge(txn, event)
  add(txn, event)
end

-- MessageRead and MessageTrash report these flags.
local has_own_event = { ["\\Seen"] = true, ["\\Deleted"] = true, ["\\Recent"] = true }

function dovecot_lua_notify_event_flags_set(txn, event)
  local flags = {}
  for _, flag in ipairs(event.flags or {}) do
    if not has_own_event[flag] then
      table.insert(flags, flag)
    end
  end
  local keywords = event.keywords or event.keywords_set or {}
  if #flags + #keywords > 0 then
    add(txn, event, { flags = flags, keywords = keywords })
  end
end

function dovecot_lua_notify_event_flags_clear(txn, event)
  local flags = event.flags or {}
  local keywords = event.keywords or event.keywords_clear or {}
  if #flags + #keywords > 0 then
    add(txn, event, { flags = flags, keywords = keywords })
  end
end

function dovecot_lua_notify_event_mailbox_create(txn, event)
  table.insert(txn.folders, event)
end

function dovecot_lua_notify_event_mailbox_rename(txn, event)
  table.insert(txn.folders, event)
end

function dovecot_lua_notify_event_mailbox_delete(txn, event)
  table.insert(txn.folders, event)
end

-- The number of unread mails, and a number that grows with every change of the folder.
local function read_status(user, mailbox)
  local box = user:mailbox(mailbox)
  box:sync()
  local status = box:status(dovecot.storage.STATUS_UNSEEN, dovecot.storage.STATUS_HIGHESTMODSEQ)
  box:free()
  return status
end

local function status_of(txn, known, mailbox)
  if known[mailbox] == nil then
    local is_read, status = pcall(read_status, txn.user, mailbox)
    known[mailbox] = is_read and status or {}
  end
  return known[mailbox]
end

local function mail_fields(event)
  return {
    from = header_text(event.from),
    subject = header_text(event.subject),
    snippet = header_text(event.snippet),
  }
end

local function send_all(txn)
  local url = url_of_script or txn.user:plugin_getenv(url_setting)
  if url == nil or url == "" then
    error(url_setting .. " is not set", 0)
  end
  local user = user_name(txn.user)
  local known = {}

  local function send_event(event, uids, fields)
    local status = status_of(txn, known, event.mailbox)
    fields.user = user
    fields.event = event.name
    fields.folder = event.mailbox
    fields["imap-uidvalidity"] = event.uid_validity
    fields["imap-uid"] = uids
    fields.unseen = status.unseen
    if event.name ~= "MessageNew" then
      -- The same flag can be set many times. This distinguishes another change from a repeated request.
      fields.occurrence = status.highest_modseq or os.time()
    end
    send(url, fields)
  end

  for _, event in ipairs(txn.mails) do
    send_event(event, event.uid, mail_fields(event))
  end
  for _, group in ipairs(txn.groups) do
    local appended = group.appended
    if appended ~= nil and #appended <= max_single_appends then
      for _, event in ipairs(appended) do
        local fields = mail_fields(event)
        fields.flags = group.extra.flags
        fields.keywords = group.extra.keywords
        send_event(event, event.uid, fields)
      end
    else
      local fields = {}
      for name, value in pairs(group.extra) do
        fields[name] = value
      end
      send_event(group.event, group.uids, fields)
    end
  end
  for number, event in ipairs(txn.folders) do
    -- A folder has no number of its changes. Within a second, the old name and the place in the command distinguish changes.
    local occurrence = table.concat({ os.time(), number, event.mailbox_old or "" }, " "):sub(1, 100)
    local fields = { user = user, event = event.name, folder = event.mailbox, occurrence = occurrence }
    fields["folder-old"] = event.mailbox_old
    send(url, fields)
  end
end

-- Sending must never fail the delivery or the IMAP command.
function dovecot_lua_notify_end_txn(txn, _)
  if #txn.mails + #txn.groups + #txn.folders == 0 then
    return
  end
  local is_sent, reason = pcall(send_all, txn)
  if not is_sent then
    dovecot.i_error("pns: " .. tostring(reason))
  end
end
