/** The example of a new mail in the documentation of the original. */
export const newMail = {
  folder: 'default0/INBOX',
  id: '113',
  email: 'jane.doe@example.com',
  displayname: 'Jane Doe',
  subject: "Let's meet",
  unread: 83,
  teaser: 'Hello',
};

/** The example of a change in a user's calendars. */
export const calendarUpdates = { folders: ['cal://0/216759', 'cal://0/30'] };

/** The user of the examples. */
export const john = { context: 1, user: 14 };
