// Generated from openapi.json; run: npm run client

export interface paths {
    "/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the history of the notifications of a user, newest first */
        get: operations["HistoryController_list"];
        put?: never;
        /** Post notifications */
        post: operations["NotificationsController_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/preliminary/http-notify/v1/notify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Accept an event from Dovecot's push_notification driver ox or from the script pns.lua */
        put: operations["DovecotController_notify"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/ox/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accept a notification from App Suite's webhook */
        post: operations["WebhookProducersController_post"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the history of a notification */
        get: operations["HistoryController_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count notifications and deliveries by hour or day, oldest first */
        get: operations["UsageController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subscriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List subscriptions, oldest first, expired ones included */
        get: operations["SubscriptionsController_list"];
        put?: never;
        /** Register a subscription, or register it again */
        post: operations["SubscriptionsController_register"];
        /** Remove all subscriptions that match all filters; at least one filter is needed */
        delete: operations["SubscriptionsController_removeMatching"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/subscriptions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a subscription; use the ETag for If-Match */
        get: operations["SubscriptionsController_get"];
        put?: never;
        post?: never;
        /** Remove a subscription */
        delete: operations["SubscriptionsController_remove"];
        options?: never;
        head?: never;
        /** Change topics, expiry or meta of a subscription; other fields stay */
        patch: operations["SubscriptionsController_change"];
        trace?: never;
    };
    "/v1/subscriptions/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a test push and wait for the answer of the provider */
        post: operations["SubscriptionsController_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Issue a session token: a user's client needs it to open sockets */
        post: operations["SessionsController_issue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a session and close its sockets; a repeat is harmless */
        delete: operations["SessionsController_end"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contexts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the contexts of the directory, by id */
        get: operations["ContextsController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contexts/{context}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a context of the directory; use the ETag for If-Match */
        get: operations["ContextsController_get"];
        /** Add a context to the directory, or replace its name and tags */
        put: operations["ContextsController_put"];
        post?: never;
        /** Erase a context: its users, properties and subscriptions, and their waiting notifications and deliveries */
        delete: operations["ContextsController_erase"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contexts/{context}/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the users of a context in the directory, by id */
        get: operations["UsersController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contexts/{context}/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a user of the directory; use the ETag for If-Match */
        get: operations["UsersController_get"];
        /** Add a user to the directory, or replace the entry */
        put: operations["UsersController_put"];
        post?: never;
        /** Erase a user: properties, subscriptions and sessions, and waiting notifications and deliveries */
        delete: operations["UsersController_erase"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List API keys, oldest first */
        get: operations["ApiKeysController_list"];
        put?: never;
        /** Create an API key; only this answer contains the key */
        post: operations["ApiKeysController_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read one API key, without the secret key */
        get: operations["ApiKeysController_get"];
        put?: never;
        post?: never;
        /** Delete an API key; it stops working in all processes at once */
        delete: operations["ApiKeysController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List writes by administrators, newest first */
        get: operations["AuditController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ajax/pns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Subscribe or unsubscribe the session's user */
        put: operations["ClientApiController_act_0"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/appsuite/api/pns": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Subscribe or unsubscribe the session's user */
        put: operations["ClientApiController_act_1"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List client options set through this API, without secrets; clients whose deliveries are held; and faults in the option files */
        get: operations["ClientTransportsController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{client}/transports/{transport}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the options of a client for a transport; use the ETag for If-Match */
        get: operations["ClientTransportsController_get"];
        /** Set the credentials and options of a client for a transport */
        put: operations["ClientTransportsController_put"];
        post?: never;
        /** Remove the options; the transport's option file applies again */
        delete: operations["ClientTransportsController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/clients/{client}/webpush-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the public key with which browsers subscribe to Web Push for a client */
        get: operations["WebpushKeyController_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List deliveries that failed and get no more attempts, oldest first */
        get: operations["DeliveriesController_list"];
        put?: never;
        post?: never;
        /** Delete failed deliveries that match all filters; at least one filter is needed */
        delete: operations["DeliveriesController_removeMatching"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send failed deliveries again */
        post: operations["DeliveriesController_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the endpoints of webhooks and Web Push that fail, are deferred or are switched off, oldest first */
        get: operations["EndpointsController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/endpoints/enable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Switch endpoints on again */
        post: operations["EndpointsController_enable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/secrets/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Encrypt secrets again with the first key of PNS_ENCRYPTION_KEY */
        post: operations["SecretsController_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that the process runs */
        get: operations["HealthController_live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Check that Postgres and Redis can be used */
        get: operations["HealthController_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the metrics for Prometheus */
        get: operations["HealthController_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/server/properties": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the properties of the server, including those from files, by name */
        get: operations["ServerPropertiesController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/server/properties/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a property of the server; use the ETag for If-Match */
        get: operations["ServerPropertiesController_get"];
        /** Set a property of the server; every process applies it within a second */
        put: operations["ServerPropertiesController_put"];
        post?: never;
        /** Remove a property of the server, so that a wider scope decides */
        delete: operations["ServerPropertiesController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/context-sets/{set}/properties": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the properties of a context set, including those from files, by name */
        get: operations["ContextSetPropertiesController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/context-sets/{set}/properties/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a property of a context set; use the ETag for If-Match */
        get: operations["ContextSetPropertiesController_get"];
        /** Set a property of a context set; every process applies it within a second */
        put: operations["ContextSetPropertiesController_put"];
        post?: never;
        /** Remove a property of a context set, so that a wider scope decides */
        delete: operations["ContextSetPropertiesController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/contexts/{context}/properties": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the properties that are set for a context, by name */
        get: operations["ContextPropertiesController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/contexts/{context}/properties/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a property of a context; use the ETag for If-Match */
        get: operations["ContextPropertiesController_get"];
        /** Set a property of a context; every process applies it within a second */
        put: operations["ContextPropertiesController_put"];
        post?: never;
        /** Remove a property of a context, so that a wider scope decides */
        delete: operations["ContextPropertiesController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/contexts/{context}/users/{user}/properties": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the properties that are set for a user, by name */
        get: operations["UserPropertiesController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/contexts/{context}/users/{user}/properties/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a property of a user; use the ETag for If-Match */
        get: operations["UserPropertiesController_get"];
        /** Set a property of a user; every process applies it within a second */
        put: operations["UserPropertiesController_put"];
        post?: never;
        /** Remove a property of a user, so that a wider scope decides */
        delete: operations["UserPropertiesController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/context-sets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all context sets, including those from files, in the order in which they are tried */
        get: operations["ContextSetsController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/context-sets/{set}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a context set; use the ETag for If-Match */
        get: operations["ContextSetsController_get"];
        /** Add a context set, or change its rank and tags; its properties stay */
        put: operations["ContextSetsController_put"];
        post?: never;
        /** Remove a context set with its properties */
        delete: operations["ContextSetsController_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/properties": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List all properties that PNS knows */
        get: operations["AnswersController_properties"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/effective": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the effective properties of a user, with the origin of each value */
        get: operations["AnswersController_effective"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explain which clients of a user would receive a notification, and why */
        get: operations["AnswersController_explain"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config/faults": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List errors and warnings in the configuration folder, with file and line */
        get: operations["ConfigFaultsController_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Problem: {
            /** Format: uri-reference */
            type: string;
            title: string;
            status: number;
            /** @description One sentence that says what is wrong and what to do. */
            detail: string;
            /** @description Stable. Programs should decide by it. */
            code: string;
            /** @description The single faults. */
            errors?: {
                [key: string]: unknown;
            }[];
        };
        NotificationEntry: {
            context: number;
            /** @description Either `user` or `users`. */
            user?: number;
            /** @description Addresses up to 1,000 users at once. */
            users?: number[];
            topic: string;
            /** @description At most 64 KiB of JSON. The payload of a known topic must match its schema. */
            payload: {
                [key: string]: unknown;
            };
            /** @description The push token or connection id of the client that caused the notification. This client does not receive it, unless notifications with different source tokens were joined. */
            sourceToken?: string;
            /**
             * @description Default: "high".
             * @enum {string}
             */
            priority?: "high" | "medium" | "low";
            ttlSeconds?: number;
            aggregationKey?: string;
            /** @description The id of the notification. A repeated request with this id is not sent twice within com.openexchange.pns.idempotency.retention. The same id with other content is refused. */
            id?: string;
            /** @description The W3C trace context of the notification, instead of that of the request. A malformed one is ignored. */
            traceparent?: string;
            /** @description Belongs to `traceparent`. */
            tracestate?: string;
        };
        NotificationBatch: {
            notifications: {
                context: number;
                /** @description Either `user` or `users`. */
                user?: number;
                /** @description Addresses up to 1,000 users at once. */
                users?: number[];
                topic: string;
                /** @description At most 64 KiB of JSON. The payload of a known topic must match its schema. */
                payload: {
                    [key: string]: unknown;
                };
                /** @description The push token or connection id of the client that caused the notification. This client does not receive it, unless notifications with different source tokens were joined. */
                sourceToken?: string;
                /**
                 * @description Default: "high".
                 * @enum {string}
                 */
                priority?: "high" | "medium" | "low";
                ttlSeconds?: number;
                aggregationKey?: string;
                /** @description The id of the notification. A repeated request with this id is not sent twice within com.openexchange.pns.idempotency.retention. The same id with other content is refused. */
                id?: string;
                /** @description The W3C trace context of the notification, instead of that of the request. A malformed one is ignored. */
                traceparent?: string;
                /** @description Belongs to `traceparent`. */
                tracestate?: string;
            }[];
        };
        CloudEvent: {
            /** @constant */
            specversion: "1.0";
            /** @description The topic. Each dot becomes a colon: `com.example.updated` is the topic `com:example:updated`. */
            type: string;
            source: string;
            /** @description The id of the notification. A repeat with the same `source` and `id` is not sent twice within com.openexchange.pns.idempotency.retention. */
            id: string;
            /** @description The user, as `<user>@<context>`. */
            subject: string;
            /** Format: date-time */
            time?: string;
            datacontenttype?: string;
            dataschema?: string;
            /** @description The payload. It must match the schema of a known topic. */
            data?: {
                [key: string]: unknown;
            };
            /** @description Replaces `data`: the text of a JSON object, in base64. */
            data_base64?: string;
        };
        IngestAnswer: {
            accepted: number;
            notifications: {
                /** @description The producer's id, or a generated UUID. */
                id: string;
                /** @enum {string} */
                status: "accepted" | "duplicate";
                /** @description Only with `users`: the user. */
                user?: number;
                /** @description The entry of the batch or the line of NDJSON, from 0. */
                index?: number;
            }[];
            /** @description Only with 207: the entries, or users of entries, that were refused. */
            errors?: {
                index: number;
                /** @description Present where an entry with `users` was refused only for this user. */
                user?: number;
                code: string;
                /** @description The reason, in one sentence. */
                error: string;
            }[];
        };
        DovecotNotification: {
            user: string;
            event: string;
            folder?: string;
            "imap-uidvalidity"?: number | string;
            "imap-uid"?: (number | string) | (number | string)[];
            from?: string;
            subject?: string;
            snippet?: string;
            unseen?: number;
            /** @description Flags that were set or cleared, or that an appended mail has. */
            flags?: string[];
            /** @description The same for keywords. */
            keywords?: string[];
            /** @description The former name of a renamed folder. */
            "folder-old"?: string;
            /** @description Distinguishes equal events, such as two changes of one flag; a repeated request has the same value. */
            occurrence?: number | string;
        };
        AppSuiteEvent: {
            /** @description The topic. */
            event: string;
            /** @description The payload of the topic, and the addressed user. */
            payload: {
                context: number;
                user: number;
                sourceToken?: string;
                email1?: string;
            } & {
                [key: string]: unknown;
            };
            /** @description When App Suite made the event, in ms since the epoch. */
            timestamp?: number;
        };
        HistoryList: {
            items: {
                id: string;
                /** @description Of a CloudEvent: a digest of its `source`. Two sources may use the same id. */
                producer?: string;
                context: number;
                user: number;
                topic: string;
                /**
                 * @description `failures` if the deliveries that arrived at the first attempt are left out.
                 * @enum {string}
                 */
                recorded: "all" | "failures";
                /** Format: date-time */
                received: string;
                /**
                 * Format: date-time
                 * @description When its window fell due.
                 */
                aggregated?: string;
                /**
                 * Format: date-time
                 * @description When its deliveries were in their queues.
                 */
                dispatched?: string;
                /** @description The number of notifications in its window. */
                joined?: number;
                /** @description The id of the notification that was sent for it. */
                joinedInto?: string;
                /** @description If it was joined into another one, the deliveries of that one. */
                deliveries: {
                    /** @description Absent if the target was suppressed before a delivery was made. */
                    id?: string;
                    transport: string;
                    client: string;
                    /** @description Absent for sockets. */
                    subscription?: string;
                    /** @description The outcome of the last attempt; `waiting` before the first one. */
                    outcome: string;
                    reason?: string;
                    /** @description The property that switches the transport off. */
                    decidedBy?: {
                        /** @description The property. */
                        name: string;
                        /** @description The scope in which it is set. */
                        origin: {
                            scope: string;
                            id?: string;
                        };
                    };
                    /** Format: date-time */
                    nextAttempt?: string;
                    attempts: {
                        /** @description 1 for the first attempt. A deferral has the number of the attempt that it delays. */
                        number: number;
                        /** Format: date-time */
                        at: string;
                        durationMs: number;
                        outcome: string;
                        /** @description The provider's answer, or the reason from PNS. It contains no secrets. */
                        reason?: string;
                        /** @description The provider's id of the push. */
                        providerId?: string;
                        /** Format: date-time */
                        nextAttempt?: string;
                    }[];
                }[];
                /** @description Times in which records of the history were lost, while Postgres was away. */
                gaps: {
                    /** Format: date-time */
                    since: string;
                    /** Format: date-time */
                    until: string;
                }[];
                /** @description Its history in words. */
                sentence: string;
            }[];
            nextCursor?: string;
        };
        NamedNotification: {
            id: string;
            /** @description Of a CloudEvent: a digest of its `source`. Two sources may use the same id. */
            producer?: string;
            context: number;
            user: number;
            topic: string;
            /**
             * @description `failures` if the deliveries that arrived at the first attempt are left out.
             * @enum {string}
             */
            recorded: "all" | "failures";
            /** Format: date-time */
            received: string;
            /**
             * Format: date-time
             * @description When its window fell due.
             */
            aggregated?: string;
            /**
             * Format: date-time
             * @description When its deliveries were in their queues.
             */
            dispatched?: string;
            /** @description The number of notifications in its window. */
            joined?: number;
            /** @description The id of the notification that was sent for it. */
            joinedInto?: string;
            /** @description If it was joined into another one, the deliveries of that one. */
            deliveries: {
                /** @description Absent if the target was suppressed before a delivery was made. */
                id?: string;
                transport: string;
                client: string;
                /** @description Absent for sockets. */
                subscription?: string;
                /** @description The outcome of the last attempt; `waiting` before the first one. */
                outcome: string;
                reason?: string;
                /** @description The property that switches the transport off. */
                decidedBy?: {
                    /** @description The property. */
                    name: string;
                    /** @description The scope in which it is set. */
                    origin: {
                        scope: string;
                        id?: string;
                    };
                };
                /** Format: date-time */
                nextAttempt?: string;
                attempts: {
                    /** @description 1 for the first attempt. A deferral has the number of the attempt that it delays. */
                    number: number;
                    /** Format: date-time */
                    at: string;
                    durationMs: number;
                    outcome: string;
                    /** @description The provider's answer, or the reason from PNS. It contains no secrets. */
                    reason?: string;
                    /** @description The provider's id of the push. */
                    providerId?: string;
                    /** Format: date-time */
                    nextAttempt?: string;
                }[];
            }[];
            /** @description Times in which records of the history were lost, while Postgres was away. */
            gaps: {
                /** Format: date-time */
                since: string;
                /** Format: date-time */
                until: string;
            }[];
            /** @description Its history in words. */
            sentence: string;
            /** @description Other notifications with this id, up to 99: an id of a producer may address several users, and CloudEvents of several sources may have the same id. */
            others: {
                /** @description Of a CloudEvent: a digest of its `source`. Two sources may use the same id. */
                producer?: string;
                context: number;
                user: number;
                /** Format: date-time */
                received: string;
            }[];
        };
        UsageList: {
            items: {
                /**
                 * Format: date-time
                 * @description The start of the hour or day.
                 */
                start: string;
                context?: number;
                client?: string;
                transport?: string;
                topic?: string;
                /** @description Accepted notifications; absent by client or transport. */
                notifications?: number;
                /** @description Deliveries that arrived. */
                delivered: number;
                /** @description Deliveries that ended in another way. */
                failed: number;
                /** @description Targets that must not be sent a notification. */
                suppressed: number;
            }[];
            nextCursor?: string;
        };
        NewSubscription: {
            context: number;
            user: number;
            /** @description The application that receives the notifications; for a webhook, the webhook's id. */
            client: string;
            /** @enum {string} */
            transport: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
            /** @description Device token, channel URI or webhook URI. Optional for a webhook with a configured URI. The answer contains the normal form: APNs tokens in lower case, URIs as defined by RFC 3986 and the WHATWG URL Standard. */
            token?: string;
            /** @description Only for webpush, where it is mandatory: the result of `toJSON()` of the subscription of a browser. Its endpoint becomes the token. No answer contains its keys. */
            pushSubscription?: {
                endpoint: string;
                /** @description Milliseconds since the epoch; null: unknown. */
                expirationTime?: number | null;
                keys: {
                    p256dh: string;
                    auth: string;
                };
                /** @description The VAPID key with which the browser subscribed, in base64url. Default: for a subscription that is registered again, the same as before, else the current key of the client. */
                applicationServerKey?: string;
            };
            topics: string[];
            /** @description Milliseconds since the epoch; absent or 0: never. */
            expires?: number;
            /** @description Free data of the client. For a webhook, `authorization`, or `login` (or `username`) and `password`, authenticate to this subscription's URI instead of the configured credentials; they must be valid in a header. PNS does not use other members. Answers omit every member with the name of a credential (these four, or a name that contains token, secret, key and similar words), in any case and at any depth. */
            meta?: {
                [key: string]: unknown;
            };
        };
        RegisteredSubscription: {
            /** Format: uuid */
            id: string;
            context: number;
            user: number;
            client: string;
            /** @enum {string} */
            transport: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush";
            token: string;
            topics: string[];
            /** @description Milliseconds since the epoch. */
            expires?: number;
            /** @description Without credentials. */
            meta?: {
                [key: string]: unknown;
            };
            /**
             * @description No key in `PNS_ENCRYPTION_KEY` decrypts the meta. Register again, or replace the meta.
             * @constant
             */
            isMetaUnreadable?: true;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Reasons why the subscription currently receives no notifications, or not all: `CLIENT_NOT_CONFIGURED`, `CLIENT_ENTRY_REFUSED`, `CLIENT_SWITCHED_OFF`, `TRANSPORT_SWITCHED_OFF`. */
            warnings?: {
                code: string;
                detail: string;
            }[];
        };
        SubscriptionList: {
            items: {
                /** Format: uuid */
                id: string;
                context: number;
                user: number;
                client: string;
                /** @enum {string} */
                transport: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush";
                token: string;
                topics: string[];
                /** @description Milliseconds since the epoch. */
                expires?: number;
                /** @description Without credentials. */
                meta?: {
                    [key: string]: unknown;
                };
                /**
                 * @description No key in `PNS_ENCRYPTION_KEY` decrypts the meta. Register again, or replace the meta.
                 * @constant
                 */
                isMetaUnreadable?: true;
                /** Format: date-time */
                createdAt: string;
                /** Format: date-time */
                updatedAt: string;
            }[];
            nextCursor?: string;
        };
        SubscriptionView: {
            /** Format: uuid */
            id: string;
            context: number;
            user: number;
            client: string;
            /** @enum {string} */
            transport: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush";
            token: string;
            topics: string[];
            /** @description Milliseconds since the epoch. */
            expires?: number;
            /** @description Without credentials. */
            meta?: {
                [key: string]: unknown;
            };
            /**
             * @description No key in `PNS_ENCRYPTION_KEY` decrypts the meta. Register again, or replace the meta.
             * @constant
             */
            isMetaUnreadable?: true;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
        };
        SubscriptionChanges: {
            topics?: string[];
            /** @description Milliseconds since the epoch; 0: never. */
            expires?: number;
            /** @description Free data of the client. For a webhook, `authorization`, or `login` (or `username`) and `password`, authenticate to this subscription's URI instead of the configured credentials; they must be valid in a header. PNS does not use other members. Answers omit every member with the name of a credential (these four, or a name that contains token, secret, key and similar words), in any case and at any depth. Replaces the whole meta; null removes it. */
            meta?: {
                [key: string]: unknown;
            } | null;
        };
        TestOutcome: {
            /** @description The delivery id that was sent to the receiver. */
            delivery: string;
            /** @enum {string} */
            outcome: "delivered" | "retry" | "gone" | "rejected" | "misconfigured" | "exhausted" | "expired" | "moved" | "suppressed";
            /** @description Why the push was not delivered, with the provider's reason if it sent one. */
            reason?: string;
            /** @description The provider's id of the push. */
            providerId?: string;
        };
        RemovedCount: {
            removed: number;
        };
        NewSession: {
            context: number;
            user: number;
            /** @description The only client that may open sockets with the session. Absent: any client. Requests of the client API may name another client. */
            client?: string;
            /** @description Default: 3600. */
            ttlSeconds?: number;
        };
        IssuedSession: {
            /** @description The id for DELETE /v1/sessions/{id}. */
            id: string;
            /** @description The client presents this token. It authenticates as the user, so keep it secret. */
            token: string;
            /** Format: date-time */
            expiresAt: string;
        };
        ContextList: {
            items: {
                context: number;
                /** @description The name is also a tag. It must be unique among contexts. */
                name?: string;
                /** @description The tags for the tag expressions of context sets. */
                tags: string[];
            }[];
            nextCursor?: string;
        };
        ContextView: {
            context: number;
            /** @description The name is also a tag. It must be unique among contexts. */
            name?: string;
            /** @description The tags for the tag expressions of context sets. */
            tags: string[];
        };
        ContextBody: {
            /** @description The name is also a tag. It must be unique among contexts. */
            name?: string;
            /** @description The tags for the tag expressions of context sets. Default: []. */
            tags?: string[];
        };
        UserList: {
            items: {
                context: number;
                user: number;
                /** @description Sent to webhooks. */
                primaryEmail?: string & (unknown & unknown);
                /** @description The names of the user in other systems, for example Dovecot. Case and Unicode form are ignored. */
                logins: string[];
                /** @description The tags for the tag expressions of context sets. */
                tags: string[];
            }[];
            nextCursor?: string;
        };
        UserView: {
            context: number;
            user: number;
            /** @description Sent to webhooks. */
            primaryEmail?: unknown & unknown;
            /** @description The names of the user in other systems, for example Dovecot. Case and Unicode form are ignored. */
            logins: string[];
            /** @description The tags for the tag expressions of context sets. */
            tags: string[];
        };
        UserBody: {
            /** @description Sent to webhooks. */
            primaryEmail?: unknown & unknown;
            /** @description The names of the user in other systems, for example Dovecot. Case and Unicode form are ignored. Default: []. */
            logins?: string[];
            /** @description The tags for the tag expressions of context sets. Default: []. */
            tags?: string[];
        };
        ApiKeyList: {
            items: {
                /** Format: uuid */
                id: string;
                name: string;
                scopes: ("ingest" | "admin" | "client")[];
                /** @description The contexts that the key may access. Absent: all contexts and the settings of the server. */
                contexts?: number[];
                /** Format: date-time */
                expiresAt?: string;
                rateLimitPerSecond?: number;
                burst?: number;
                /** Format: date-time */
                createdAt: string;
                /**
                 * Format: date-time
                 * @description Updated every few seconds.
                 */
                lastUsedAt?: string;
            }[];
            nextCursor?: string;
        };
        ApiKeyView: {
            /** Format: uuid */
            id: string;
            name: string;
            scopes: ("ingest" | "admin" | "client")[];
            /** @description The contexts that the key may access. Absent: all contexts and the settings of the server. */
            contexts?: number[];
            /** Format: date-time */
            expiresAt?: string;
            rateLimitPerSecond?: number;
            burst?: number;
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: date-time
             * @description Updated every few seconds.
             */
            lastUsedAt?: string;
        };
        NewApiKey: {
            /** @description A note for people: the use of the key. */
            name: string;
            scopes: ("ingest" | "admin" | "client")[];
            /** @description The contexts that the key may access. Absent: all contexts and the settings of the server. */
            contexts?: number[];
            /**
             * Format: date-time
             * @description The key is refused from this time on. Absent: it never expires.
             */
            expiresAt?: string;
            /** @description Average number of requests per second. Each notification after the first of a request counts as one more request. Above the limit the answer is 429 with `Retry-After`. Absent: no limit. */
            rateLimitPerSecond?: number;
            /** @description Number of requests that the key may send at once after a pause. Default: `rateLimitPerSecond`. */
            burst?: number;
        };
        CreatedApiKey: {
            /** Format: uuid */
            id: string;
            name: string;
            scopes: ("ingest" | "admin" | "client")[];
            /** @description The contexts that the key may access. Absent: all contexts and the settings of the server. */
            contexts?: number[];
            /** Format: date-time */
            expiresAt?: string;
            rateLimitPerSecond?: number;
            burst?: number;
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: date-time
             * @description Updated every few seconds.
             */
            lastUsedAt?: string;
            /** @description Only this answer contains the key; the server stores its hash. */
            key: string;
        };
        AuditList: {
            items: {
                /** Format: uuid */
                id: string;
                /** Format: date-time */
                at: string;
                /** @description The API key that made the write. */
                key: {
                    id: string;
                    name: string;
                };
                /** @description The method and the route. */
                action: string;
                /** @description The path and the query, without secrets. It is masked after its user was erased. */
                resource: string;
                context?: number;
                user?: number;
                /** @description The `X-Request-Id` of the request, or a generated id. */
                requestId: string;
                /** @description The status of the answer. Absent before the answer, and when the process died before it. */
                status?: number;
                /** @description The answer of a GET before the write. Secrets are masked. */
                before?: unknown;
                /** @description The answer of the write. Secrets are masked. */
                after?: unknown;
            }[];
            nextCursor?: string;
        };
        ClientTransportList: {
            items: {
                client: string;
                /** @enum {string} */
                transport: "webhook" | "apns" | "fcm" | "wns" | "webpush";
                /** @description Without secrets. */
                options: {
                    [key: string]: unknown;
                };
                /** @description The names of the secrets that are set. */
                secrets: string[];
                /** @description The reason why the options cannot be used now. */
                fault?: string;
                /** Format: date-time */
                updatedAt: string;
            }[];
            /** @description All clients whose deliveries are held until their credentials or settings are corrected. Every page contains all of them. */
            paused: {
                client: string;
                /** @enum {string} */
                transport: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush";
                /** @description The number of held deliveries. */
                deliveries: number;
                /** @description The reason of the last failure. */
                reason: string;
                /** Format: date-time */
                since: string;
            }[];
            /** @description All faults in the option files, as this process reads them. Every page contains all of them. The previous version of a faulty entry, if there was one, stays in effect. */
            faults: {
                /** @enum {string} */
                transport: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush";
                file: string;
                /** @description From 1. */
                line?: number;
                /** @description Absent where the fault is not in the entry of one client. */
                client?: string;
                reason: string;
            }[];
            nextCursor?: string;
        };
        ClientTransportView: {
            client: string;
            /** @enum {string} */
            transport: "webhook" | "apns" | "fcm" | "wns" | "webpush";
            /** @description Without secrets. */
            options: {
                [key: string]: unknown;
            };
            /** @description The names of the secrets that are set. */
            secrets: string[];
            /** @description The reason why the options cannot be used now. */
            fault?: string;
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description The fields of one client in the transport's option file. Keys and keystores are inline. */
        ClientTransportBody: {
            [key: string]: unknown;
        };
        WebpushKeyView: {
            /** @description The public VAPID key in base64url, for `pushManager.subscribe({ applicationServerKey })`. */
            applicationServerKey: string;
        };
        DeliveryList: {
            items: {
                id: string;
                notification: string;
                subscription?: string;
                /** @description 0 for a message to the operator. */
                context: number;
                user: number;
                client: string;
                transport: string;
                topic: string;
                /** @enum {string} */
                outcome: "exhausted" | "gone" | "rejected" | "misconfigured" | "expired";
                /** @description The reason from the provider or from PNS. It contains no secrets. */
                reason: string;
                /** @description Whether the delivery is held: it is sent automatically after the settings of its client are corrected. */
                isHeld: boolean;
                /** @description Whether the delivery is kept because its endpoint is switched off: it is sent after the endpoint is on. */
                isKept: boolean;
                attempts: number;
                /** Format: date-time */
                failedAt: string;
            }[];
            nextCursor?: string;
        };
        DeletedCount: {
            removed: number;
            /** @description Whether more deliveries match. Repeat the request with `failedBefore` for them. */
            hasMore: boolean;
            /**
             * Format: date-time
             * @description With `hasMore`: when this request began, so that a repeat leaves out what failed later.
             */
            failedBefore?: string;
        };
        DeliveryRetry: {
            ids?: string[];
            context?: number;
            user?: number;
            client?: string;
            /** @enum {string} */
            transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
            topic?: string;
            /** @enum {string} */
            outcome?: "exhausted" | "gone" | "rejected" | "misconfigured" | "expired";
            /**
             * Format: date-time
             * @description Only deliveries that failed before this time.
             */
            failedBefore?: string;
        };
        RetriedCount: {
            retried: number;
            /** @description Whether more deliveries match. Repeat the request with `failedBefore` for them. */
            hasMore: boolean;
            /**
             * Format: date-time
             * @description With `hasMore`: when this request began, so that a repeat leaves out what failed later.
             */
            failedBefore?: string;
        };
        EndpointList: {
            items: {
                /** Format: uuid */
                id: string;
                transport: string;
                client: string;
                /** @description The server of the URI. The URI is not shown, because it may contain secrets. */
                origin: string;
                /**
                 * @description `failing`: the last attempt failed. `deferred`: nothing is sent to it for a while. `off`: it is switched off, and its deliveries are kept.
                 * @enum {string}
                 */
                state: "failing" | "deferred" | "off";
                /**
                 * Format: date-time
                 * @description When the first failure without a later success occurred, or the deferral began.
                 */
                since: string;
                /** @description Of the last failure. It contains no secrets. */
                reason: string;
                /** Format: date-time */
                lastFailedAt?: string;
                /** Format: date-time */
                deferredUntil?: string;
                /** @description The last percentage of `disableAfter` that was warned of. */
                warnedPercent?: number;
                /**
                 * Format: date-time
                 * @description When it is switched off if it does not recover.
                 */
                switchesOffAt?: string;
                /** Format: date-time */
                switchedOffAt?: string;
                /** @description At most ten of the subscriptions with this URI. */
                subscriptions: {
                    /** Format: uuid */
                    id: string;
                    context: number;
                    user: number;
                }[];
            }[];
            nextCursor?: string;
        };
        EndpointsToEnable: {
            ids?: string[];
            /** @description Only endpoints with a subscription of this context. */
            context?: number;
            client?: string;
            /** @enum {string} */
            transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
        };
        EnabledCount: {
            enabled: number;
        };
        RotationAnswer: {
            /** @description The number of secrets that this request encrypted with the first key. */
            rotated: number;
            /** @description The rows whose secret cannot be decrypted, because it was altered or `PNS_ENCRYPTION_KEY` lacks its key. They are unchanged. */
            unreadable: string[];
            /** @description In the last answer: the number of secrets that still need another key. If it is larger than the number of unreadable ones, others were written meanwhile: start again. */
            remaining?: number;
            /** @description Absent in the last answer. */
            nextCursor?: string;
        };
        PropertyList: {
            items: {
                name: string;
                value: unknown;
                /**
                 * @description The narrowest scope that may still define the property.
                 * @enum {string}
                 */
                final?: "user" | "context" | "contextSet" | "server";
                /** @description The file or context set that sets the property. Absent where it was set through this API. */
                origin?: {
                    /** @enum {string} */
                    scope: "user" | "context" | "contextSet" | "server" | "default";
                    id?: string;
                };
            }[];
            nextCursor?: string;
        };
        PropertyView: {
            name: string;
            value: unknown;
            /**
             * @description The narrowest scope that may still define the property.
             * @enum {string}
             */
            final?: "user" | "context" | "contextSet" | "server";
            /** @description The file or context set that sets the property. Absent where it was set through this API. */
            origin?: {
                /** @enum {string} */
                scope: "user" | "context" | "contextSet" | "server" | "default";
                id?: string;
            };
        };
        PropertyBody: {
            value: string | number | boolean | string[];
            /**
             * @description The narrowest scope that may still define the property.
             * @enum {string}
             */
            final?: "user" | "context" | "contextSet" | "server";
        };
        ContextSetList: {
            items: {
                name: string;
                /** @description Sets from files come last: their ranks start at 1,000,000. */
                rank: number;
                withTags: string;
                /** @description The file that defines the set. Absent where it was set through this API. */
                file?: string;
            }[];
            nextCursor?: string;
        };
        ContextSetView: {
            name: string;
            /** @description Sets from files come last: their ranks start at 1,000,000. */
            rank: number;
            withTags: string;
            /** @description The file that defines the set. Absent where it was set through this API. */
            file?: string;
        };
        ContextSetBody: {
            /** @description Sets are tried by ascending rank, then by name. */
            rank: number;
            /** @description For example `premium & !(trial | internal)`. */
            withTags: string;
        };
        PropertyRegistry: {
            items: {
                name: string;
                type: string;
                default: unknown;
                scopes: ("user" | "context" | "contextSet" | "server")[];
                sentence: string;
            }[];
        };
        EffectiveList: {
            items: {
                name: string;
                value: unknown;
                origin: {
                    /** @enum {string} */
                    scope: "user" | "context" | "contextSet" | "server" | "default";
                    id?: string;
                };
            }[];
        };
        Explanation: {
            isEnabled: boolean;
            /** @description A text for people: the decision, its reason, and whether a subscription matches. */
            sentence: string;
            decidedBy: {
                name: string;
                origin: {
                    /** @enum {string} */
                    scope: "user" | "context" | "contextSet" | "server" | "default";
                    id?: string;
                };
            };
            /** @description All places that were checked, in order. The last one decided. */
            places: {
                name: string;
                origin: {
                    /** @enum {string} */
                    scope: "user" | "context" | "contextSet" | "server" | "default";
                    id?: string;
                };
                /** @description The value at this place. Absent where there is none. */
                text?: string;
                /** @description Whether a `final` of another scope overrules the value. */
                isOverruled: boolean;
            }[];
            subscriptions: {
                id: string;
                topics: string[];
                isExpired: boolean;
                /** @description The pattern that matches the topic. */
                matchedBy?: string;
            }[];
            /** @description Whether the list contains all subscriptions. */
            isComplete: boolean;
            /** @description Only for the transport `websocket`, which has no subscriptions. */
            sockets?: {
                open: number;
                /** @description Sockets that closed a moment ago. They receive the notification when they reconnect. */
                away: number;
                /** @description The topics of this client in websocket-clients.yml. */
                topics: string[];
                /** @description The pattern in `topics` that matches the topic. */
                matchedBy?: string;
            };
        };
        UserExplanation: {
            /** @description A text for people: the targets that receive the topic. */
            sentence: string;
            /** @description Subscriptions, oldest first, then sockets by client. */
            targets: {
                /** @description The id of the subscription. Absent for sockets. */
                subscription?: string;
                /** @description The sockets of this client. Absent for a subscription. */
                sockets?: {
                    open: number;
                    /** @description Sockets that closed a moment ago. They receive the notification when they reconnect. */
                    away: number;
                };
                client: string;
                transport: string;
                topics: string[];
                /** @description The pattern that matches the topic. */
                matchedBy?: string;
                isExpired: boolean;
                /** @description Whether the transport is switched on for this target. */
                isEnabled: boolean;
                /** @description The property that switches the transport on or off. */
                decidedBy: {
                    name: string;
                    origin: {
                        /** @enum {string} */
                        scope: "user" | "context" | "contextSet" | "server" | "default";
                        id?: string;
                    };
                };
                /** @description Whether the target receives the topic. */
                isReached: boolean;
                /** @description A text for people: why the target receives the topic, or all reasons why it does not. */
                sentence: string;
            }[];
            /** @description Whether the list contains all subscriptions. */
            isComplete: boolean;
        };
        ConfigFaultList: {
            items: {
                /** @description The path below the configuration folder. */
                file: string;
                /** @description From 1. Absent where the whole file is at fault. */
                line?: number;
                /** @description The property, client or context set. */
                entry?: string;
                /**
                 * @description `error`: the entry is not in effect. `warning`: it is in effect, or PNS does not use it.
                 * @enum {string}
                 */
                severity: "error" | "warning";
                /** @description The rest of a sentence that starts with the entry or the file. */
                reason: string;
            }[];
            /** @description Whether there are no errors. The metric `pns_config_last_reload_success` shows the same. */
            isAllInEffect: boolean;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    HistoryController_list: {
        parameters: {
            query: {
                context: number;
                user: number;
                topic?: string;
                /** @description Only notifications with an attempt for this client. */
                client?: string;
                /** @description Only notifications with an attempt that has this outcome. */
                outcome?: "delivered" | "retry" | "gone" | "rejected" | "misconfigured" | "exhausted" | "expired" | "suppressed" | "deferred" | "moved";
                /** @description The first time of acceptance, inclusive. */
                since?: string;
                /** @description The last time of acceptance, exclusive. */
                until?: string;
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    NotificationsController_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description The W3C trace context of the request. The traces of its notifications continue it, if traces are recorded. */
                traceparent?: string;
                /** @description An alternative to the `id` of a single notification. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NotificationEntry"] | components["schemas"]["NotificationBatch"];
                "application/x-ndjson": string;
                "application/cloudevents+json": components["schemas"]["CloudEvent"];
                "application/cloudevents-batch+json": components["schemas"]["CloudEvent"][];
            };
        };
        responses: {
            /** @description All notifications were accepted or are duplicates. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestAnswer"];
                };
            };
            /** @description Some entries were accepted; `errors` lists the others. */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestAnswer"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    DovecotController_notify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DovecotNotification"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        success?: boolean;
                    };
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    WebhookProducersController_post: {
        parameters: {
            query?: never;
            header?: {
                /** @description `t=<ms>, v1=<HMAC-SHA256 of "v1:<ms>:<body>" in hex>`. Required where the entry has a `signatureSecret`. */
                "X-OX-Signature"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AppSuiteEvent"];
            };
        };
        responses: {
            /** @description The notification was accepted or is a duplicate. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestAnswer"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    HistoryController_get: {
        parameters: {
            query?: {
                context?: number;
                user?: number;
                /** @description Only CloudEvents with this `source`. */
                source?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NamedNotification"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UsageController_list: {
        parameters: {
            query: {
                /** @description The first hour, inclusive. */
                from: string;
                /** @description The last hour, exclusive. */
                to: string;
                context?: number;
                by?: "context" | "client" | "transport" | "topic";
                /** @description The length of a period; days are days of UTC. */
                per?: "hour" | "day";
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_list: {
        parameters: {
            query?: {
                context?: number;
                user?: number;
                client?: string;
                transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
                /** @description With a topic: subscriptions whose patterns match it. With a pattern: subscriptions that contain exactly this pattern. */
                topic?: string;
                token?: string;
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubscriptionList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSubscription"];
            };
        };
        responses: {
            /** @description The subscription existed and was replaced. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegisteredSubscription"];
                };
            };
            /** @description The subscription is new. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RegisteredSubscription"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_removeMatching: {
        parameters: {
            query?: {
                context?: number;
                user?: number;
                client?: string;
                transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
                /** @description With a topic: subscriptions whose patterns match it. With a pattern: subscriptions that contain exactly this pattern. */
                topic?: string;
                token?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemovedCount"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubscriptionView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_change: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubscriptionChanges"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubscriptionView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SubscriptionsController_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestOutcome"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SessionsController_issue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSession"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedSession"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SessionsController_end: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextsController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContextList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextsController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContextView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextsController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ContextBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContextView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextsController_erase: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UsersController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path: {
                context: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UsersController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                user: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UsersController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                user: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UsersController_erase: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                user: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ApiKeysController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ApiKeysController_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewApiKey"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApiKey"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ApiKeysController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ApiKeysController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    AuditController_list: {
        parameters: {
            query?: {
                context?: number;
                user?: number;
                /** @description The author: the id of an API key, `bootstrap`, or `session` for the client API. */
                key?: string | ("bootstrap" | "session");
                /** @description The action of an entry, for example `DELETE /v1/contexts/{context}`. */
                action?: string;
                /** @description A path; paths below it match too. */
                resource?: string;
                /** @description The first time, inclusive. */
                since?: string;
                /** @description The last time, exclusive. */
                until?: string;
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ClientApiController_act_0: {
        parameters: {
            query: {
                /** @description A session token, unless it is sent as a bearer token. */
                session?: unknown;
                action: "subscribe" | "unsubscribe";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            /** @description Success, or an error object. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ClientApiController_act_1: {
        parameters: {
            query: {
                /** @description A session token, unless it is sent as a bearer token. */
                session?: unknown;
                action: "subscribe" | "unsubscribe";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    [key: string]: unknown;
                };
            };
        };
        responses: {
            /** @description Success, or an error object. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ClientTransportsController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientTransportList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ClientTransportsController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client: string;
                transport: "webhook" | "apns" | "fcm" | "wns" | "webpush";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientTransportView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ClientTransportsController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client: string;
                transport: "webhook" | "apns" | "fcm" | "wns" | "webpush";
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClientTransportBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ClientTransportView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ClientTransportsController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client: string;
                transport: "webhook" | "apns" | "fcm" | "wns" | "webpush";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    WebpushKeyController_get: {
        parameters: {
            query?: {
                /** @description A session token instead of an API key. */
                session?: string;
            };
            header?: never;
            path: {
                client: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The current key of the client. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebpushKeyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    DeliveriesController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Ids of deliveries; the parameter may be repeated. */
                id?: string[];
                context?: number;
                user?: number;
                client?: string;
                transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
                topic?: string;
                outcome?: "exhausted" | "gone" | "rejected" | "misconfigured" | "expired";
                /** @description The id of the notification. */
                notification?: string;
                /** @description Only deliveries that failed before this time. */
                failedBefore?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    DeliveriesController_removeMatching: {
        parameters: {
            query?: {
                /** @description Ids of deliveries; the parameter may be repeated. */
                id?: string[];
                context?: number;
                user?: number;
                client?: string;
                transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
                topic?: string;
                outcome?: "exhausted" | "gone" | "rejected" | "misconfigured" | "expired";
                /** @description The id of the notification. */
                notification?: string;
                /** @description Only deliveries that failed before this time. */
                failedBefore?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedCount"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    DeliveriesController_retry: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveryRetry"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RetriedCount"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    EndpointsController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
                /** @description Only endpoints with a subscription of this context. */
                context?: number;
                client?: string;
                transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
                state?: "failing" | "deferred" | "off";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    EndpointsController_enable: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndpointsToEnable"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnabledCount"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    SecretsController_rotate: {
        parameters: {
            query?: {
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RotationAnswer"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    HealthController_live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The process runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok" | "unavailable";
                        parts?: {
                            [key: string]: string;
                        };
                        warnings?: string[];
                    };
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    HealthController_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Every part can be used. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok" | "unavailable";
                        parts?: {
                            [key: string]: string;
                        };
                        warnings?: string[];
                    };
                };
            };
            /** @description A part cannot be used, and its text is the reason; or the process is stopping. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        status: "ok" | "unavailable";
                        parts?: {
                            [key: string]: string;
                        };
                        warnings?: string[];
                    };
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    HealthController_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics of docs/metrics.md. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ServerPropertiesController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ServerPropertiesController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ServerPropertiesController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PropertyBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ServerPropertiesController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetPropertiesController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetPropertiesController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetPropertiesController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PropertyBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetPropertiesController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextPropertiesController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path: {
                context: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextPropertiesController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextPropertiesController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PropertyBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextPropertiesController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UserPropertiesController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path: {
                context: number;
                user: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UserPropertiesController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                user: number;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UserPropertiesController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                user: number;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PropertyBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    UserPropertiesController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                context: number;
                user: number;
                /** @description The name of the property. Some names end in a transport or topic. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetsController_list: {
        parameters: {
            query?: {
                limit?: number;
                /** @description The `nextCursor` of the previous page. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContextSetList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetsController_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContextSetView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetsController_put: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ContextSetBody"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ContextSetView"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ContextSetsController_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the context set. */
                set: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    AnswersController_properties: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PropertyRegistry"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    AnswersController_effective: {
        parameters: {
            query: {
                context: number;
                user: number;
                prefix?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EffectiveList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    AnswersController_explain: {
        parameters: {
            query: {
                context: number;
                user: number;
                topic: string;
                /** @description With `transport`: only this client. Absent: all clients of the user. */
                client?: string;
                transport?: "websocket" | "webhook" | "apns" | "fcm" | "wns" | "webpush" | "apn" | "apns_http2" | "gcm" | "unifiedpush";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description About one client if the query names one, else about all clients of the user. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"] | components["schemas"]["UserExplanation"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ConfigFaultsController_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConfigFaultList"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
