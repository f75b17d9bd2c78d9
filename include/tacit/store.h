/* Where the record of a sign-in survives the process. */
#ifndef TACIT_STORE_H
#define TACIT_STORE_H

#include <tacit/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Thread-safe and counted. Sessions keep it alive. */
typedef struct tacit_store tacit_store;
typedef struct tacit_store_lock_ops tacit_store_lock_ops;

/*
 * A store of your own: three functions on records, which are bytes (JSON today) and hold secrets.
 *
 * They may block. They run on a thread of the library, one at a time per store, and may call
 * nothing of tacit but tacit_alloc(). A call that takes longer than the client's store_timeout_ms
 * is left behind: the sessions go on without it, and the store gets no other call until it returns.
 * Each answers TACIT_OK or
 *   TACIT_ERR_STORE_NOT_FOUND    there is no record under this key (load)
 *   TACIT_ERR_STORE_LOCKED       there may be one, but the user has to unlock something
 *   TACIT_ERR_STORE_UNAVAILABLE  the service is not there or does not answer now
 *   TACIT_ERR_STORE_CORRUPT      something is there that cannot be read back
 *   TACIT_ERR_STORE_TOO_LARGE    the record does not fit (save)
 *   TACIT_ERR_STORE_FAILED       anything else
 * Answer NOT_FOUND only when you know it. After any other error nothing is overwritten and nobody
 * is signed out.
 *
 * key is printable text, unique to issuer, client id and account; two keys may differ in case only.
 */
typedef struct tacit_store_ops {
    size_t struct_size;
    size_t record_size_max; /* 0: no limit */
    /* *record: from malloc() or tacit_alloc(); the library wipes and frees it. On Windows, where a
     * program's C library may be another than tacit's, from tacit_alloc() only. */
    tacit_status (*load)(void *store_data, const char *key, char **record, size_t *size);
    /* All or nothing, and durable on return. record is borrowed for the call. */
    tacit_status (*save)(void *store_data, const char *key, const char *record, size_t size);
    /* TACIT_OK also where there was none. */
    tacit_status (*erase)(void *store_data, const char *key);
    /* May be NULL. Once, when nothing uses the store any more; on any thread. */
    void (*release)(void *store_data);
    /* For tacit_store_describe(); copied. May be NULL. */
    const char *description;
    /* The directory for the lock and the journal of its records, which all processes that use the
     * store must share; copied. NULL: the client's state_dir. */
    const char *lock_directory;
    /* The records end with this process and no other sees them: neither lock nor journal is needed. */
    bool process_only;
    /* Why the last function failed, for a person: a clause that goes behind "Could not save to
     * <description>: ", never a secret; *os_error: errno, where one is behind it, else left alone.
     * Called after a failure, before any other function; copied. May be NULL, and answer NULL. */
    const char *(*last_error)(void *store_data, int *os_error);
    /* Whose records it reaches, where it keeps those of several applications apart: with the key it
     * names the lock, so that processes share one exactly where they share a record; copied. NULL:
     * the client's application_id, or nobody's in a lock_directory of its own. */
    const char *application_id;
    /* For records that several machines share: the lock and the journal lie there too. Copied. Not
     * with process_only or lock_directory. NULL: a file in lock_directory, for the processes of one
     * machine. */
    const tacit_store_lock_ops *lock;
} tacit_store_ops;
#define TACIT_STORE_OPS_INIT TACIT_INIT(tacit_store_ops)

/*
 * The lock of a store whose users no file can keep apart: a lock that one holds at a time, a few
 * bytes beside it that outlive everyone (the journal), and the lives of those who left something
 * unfinished. All are required.
 *
 * They run on threads of the library, several at once, but one at a time for each lock; beside the
 * store's own functions, which run while the lock is held. close() may also run on the app's, within
 * the last unref of a client. They may wait for a network, never for another holder, and may call
 * nothing of tacit but tacit_alloc(). None is left behind as a store's call is: each must answer
 * within a few seconds, or closing and shutting down take as long as it does.
 *
 * A child of fork() asks none that its parent made.
 *
 * Each answers TACIT_OK or
 *   TACIT_ERR_BUSY               another holds it (take)
 *   TACIT_ERR_STORE_NOT_FOUND    nobody made it yet (open without create)
 *   TACIT_ERR_STORE_UNAVAILABLE  it cannot be reached now, or was lost to another meanwhile
 *   TACIT_ERR_STORE_CORRUPT      something else is there
 *   TACIT_ERR_NO_MEMORY, TACIT_ERR_STORE_FAILED
 * and tacit_store_ops.last_error is not asked about it: explain() is, at once and on the same thread.
 * Each may be tried again, with growing pauses; nobody is signed out by any of them.
 *
 * A lock that ends by itself when its holder is not heard of (a lease) must be a fence as well: once
 * another took it, nothing of the one before may be written any more, neither by write() nor by the
 * store's save() and erase(). STORE_UNAVAILABLE says so. After that write() nothing more is written
 * before the lock is taken again; save() and erase() come only while it is taken. A write() whose
 * answer was lost may answer STORE_UNAVAILABLE too.
 */
struct tacit_store_lock_ops {
    size_t struct_size;
    /* *lock: handed to the others. journal_size bytes can be written beside it. create: what is
     * missing is made; its journal is empty. */
    tacit_status (*open)(void *store_data, const char *key, bool create, size_t journal_size,
                         void **lock);
    /* Without waiting for another. It stays taken until released, or closed. */
    tacit_status (*take)(void *lock);
    void (*release)(void *lock);
    /* Whether it is still taken, for certain, at this moment; asked right before what cannot be taken
     * back is sent to a server. From what is known here, such as when the lease ends on a clock that
     * runs during suspend: without asking a network. */
    bool (*is_held)(void *lock);
    /* From the start, at most size bytes; also without the lock. *got: how many there were. */
    tacit_status (*read)(void *lock, void *bytes, size_t size, size_t *got);
    /* All or nothing, with the lock. durable: as safe on return as a record that was saved. */
    tacit_status (*write)(void *lock, size_t offset, const void *bytes, size_t size, bool durable);
    /* A life, named by a random number from 1 to INT64_MAX - 1: it ends with end_life, with close, and
     * some time after its process or machine was last heard of. One at a time per lock; beginning
     * another ends the first. TACIT_ERR_BUSY: another lives by that number. */
    tacit_status (*begin_life)(void *lock, int64_t life);
    void (*end_life)(void *lock);
    /* Whether another lock object, on whatever machine, lives by that number. true where that cannot
     * be told. */
    bool (*lives)(void *lock, int64_t life);
    /* Releases, ends the life, frees. */
    void (*close)(void *lock);
    /* Why the last function on it failed, or with NULL the last open: a clause that goes behind "The
     * lock between processes cannot be had in <description>: ", never a secret. Copied. May answer
     * NULL. */
    const char *(*explain)(void *store_data, void *lock);
};
#define TACIT_STORE_LOCK_OPS_INIT TACIT_INIT(tacit_store_lock_ops)

/* Each is yours; give it up with tacit_store_unref(). None of them waits or touches the keyring:
 * that comes with the first load. */

/*
 * The system's keyring, under application_id, as tacit_store_keyring(); where there is no keyring at
 * all, an encrypted file, as tacit_store_file(); never an unprotected place.
 *
 * Chosen by the first call of the store, which tries the keyring with 4 KB. A keyring that is
 * locked, hangs or fails is waited for: its status is the store's. No keyring at all means:
 * libsecret is not installed, there is no session bus, no service on the bus, or nothing was ever
 * stored in the service and there is no display to ask the user for a first password.
 *
 * The file's key is $TACIT_STORE_KEY_FILE (an absolute path; see key_file below), else the
 * credential "tacit.key" of 32 bytes that systemd passes to a service
 * (LoadCredential=tacit.key:..., read from $CREDENTIALS_DIRECTORY). Both are looked up when the
 * store is made, and ignored in a program with more rights than its user (setuid). The file lies in
 * the directory that is the default of the client's state_dir, whatever that is set to.
 *
 * From the first save on, that directory remembers for the application which of the two holds its
 * records, and it is never changed silently: a remembered keyring that is gone, or a remembered
 * file without its key, is TACIT_ERR_STORE_UNAVAILABLE; a keyring that comes later is not used.
 * To choose anew, sign out and remove the directory's ".store" file. Where the directory cannot be
 * written, each process chooses for itself.
 *
 * tacit_store_describe() says which, from the first call on. Without a keyring and without a key,
 * calls answer TACIT_ERR_STORE_UNAVAILABLE, and the message says what to install or set.
 */
TACIT_API tacit_store *tacit_store_default(const char *application_id, tacit_error *error);

/*
 * The system's keyring. A keyring that is locked or not running shows as an error of the load, not
 * here; it is never unlocked with a prompt.
 *   Linux    the Secret Service (GNOME Keyring, KWallet, KeePassXC) through libsecret, which is
 *            loaded here
 *   Windows  Credential Manager, in generic credentials that stay on this machine
 *            (CRED_PERSIST_LOCAL_MACHINE); a record is cut into chunks of 2,560 bytes, 64 KiB in all
 *   macOS    the Keychain, as tacit_store_keychain() without options
 * TACIT_ERR_STORE_UNAVAILABLE: libsecret is not installed.
 * TACIT_ERR_UNSUPPORTED: built without it.
 */
TACIT_API tacit_store *tacit_store_keyring(const char *application_id, tacit_error *error);

/*
 * The keyring of the Linux kernel, for machines without a Secret Service: in memory that is never
 * swapped, readable by the user's own processes and root, gone at a reboot. The records are in the
 * user's persistent keyring where the kernel has one, which ends itself when nobody used it for some
 * days (/proc/sys/kernel/keys/persistent_keyring_expiry), else in the user keyring. What ended is
 * NOT_FOUND: the user signs in again, unless a session that is running still holds the tokens. A
 * record has at most 32,727 bytes, and all keys of a user together have a quota of 20,000 unless root
 * raised it (/proc/sys/kernel/keys/maxbytes): beyond either, a save is STORE_TOO_LARGE. Where other
 * keys fill the quota to its last bytes, the rest is STORE_UNAVAILABLE. Never chosen by itself.
 * TACIT_ERR_UNSUPPORTED: not on Linux, built without it, a kernel without keyrings, or a container
 * that forbids them.
 */
TACIT_API tacit_store *tacit_store_kernel_keyring(const char *application_id, tacit_error *error);

/*
 * The Keychain of macOS: a generic password for each record. A keychain that is locked, or that would
 * have to ask the user, is STORE_LOCKED; nothing is ever asked.
 *
 * The file-based keychain ties an item to the program that made it, by its signature. To one that is
 * signed otherwise, as after each build of a program without a Developer ID, its own record is
 * STORE_LOCKED: prefer the data-protection keychain. And it knows no query that does not ask, only a
 * switch of the whole process (SecKeychainSetUserInteractionAllowed()), which is off while a call of
 * this store runs: what the app itself wants of that keychain meanwhile fails where it had to ask.
 *
 * A program that the data-protection keychain does not know by its entitlements gets STORE_FAILED from
 * every call, with a sentence that says so.
 * TACIT_ERR_UNSUPPORTED: not on macOS.
 */
typedef struct tacit_store_keychain_options {
    size_t struct_size;
    const char *application_id; /* required: the items' service */
    /* The data-protection keychain (kSecUseDataProtectionKeychain): the program is signed, with an
     * application identifier among its entitlements. */
    bool data_protection;
    /* Shared by the programs that have it among their entitlements (keychain-access-groups); implies
     * data_protection. NULL: the program's own. */
    const char *access_group;
} tacit_store_keychain_options;
#define TACIT_STORE_KEYCHAIN_OPTIONS_INIT TACIT_INIT(tacit_store_keychain_options)
TACIT_API tacit_store *tacit_store_keychain(const tacit_store_keychain_options *options,
                                            tacit_error *error);

/*
 * Encrypted files, for systems without a keyring: one per sign-in, AES-256-GCM under a random or
 * derived key of 256 bits, bound to the sign-in it belongs to. A file is replaced as a whole: after a
 * crash or a power loss, on a full disk or an I/O error it holds the old record or the new one.
 *
 * What is protected against what depends on where the key comes from; exactly one is named:
 *
 * key_file    32 random bytes, made with its directory on first use (file 0600, directory 0700).
 *             Protects copies of the directory that come without the key: backups, synchronised
 *             folders, a disk image, a discarded card. So keep it elsewhere, best on another medium.
 *             Does not protect against who can read both: programs of the same user, and root. It
 *             is used only while it is a regular file of the user's that nobody else may open, or one
 *             of root's, who may open it to a group. Lost, the records are lost with it: while it is
 *             missing, loads and saves answer STORE_UNAVAILABLE, and none is made anew beside the
 *             records that it opened.
 * passphrase  Derived with scrypt (N = 32768, r = 8, p = 1: 32 MiB and about 0.1 s, on first use).
 *             Protects everything on the disk, as far as the passphrase cannot be guessed; not the
 *             memory of this process, where it stays until the store is freed.
 * get_key     Protects as well as the place that the app has the key from: a TPM, a secure element,
 *             a platform's own key store. Asked for each load and save that needs it, on a thread of
 *             the library, and wiped after. Fills key and answers TACIT_OK, or answers STORE_LOCKED,
 *             STORE_UNAVAILABLE (asked again later), STORE_CORRUPT or STORE_FAILED, which become the
 *             store's answer. May block, as a store's function may, and call as little of tacit.
 *
 * No key keeps someone who may write to the directory from putting an older file back: the journal
 * beside it shows that, unless it is put back too.
 */
typedef struct tacit_store_file_options {
    size_t struct_size;
    /* Made on the first save (0700). It must belong to the user, and nobody else may write to it.
     * The lock and the journal lie there too. Not on a network file system. */
    const char *directory;
    const char *key_file;
    const char *passphrase;
    tacit_status (*get_key)(void *key_data, unsigned char key[32]);
    void *key_data;                      /* borrowed until the store is freed */
    void (*key_release)(void *key_data); /* may be NULL; once, when the store is freed */
} tacit_store_file_options;
#define TACIT_STORE_FILE_OPTIONS_INIT TACIT_INIT(tacit_store_file_options)

/*
 * Relative paths count from the working directory of now. Takes records of up to 4 MiB. Does not
 * touch the disk; what is wrong there shows as an error of the load or the save, with a sentence:
 *   STORE_CORRUPT      the file is damaged, cut short, of a later version, of another sign-in, no
 *                      record at all, or sealed with another key or passphrase
 *   STORE_UNAVAILABLE  the key file is missing, though there are records
 *   STORE_FAILED       the directory, the key file or the record belongs to another user, is open to
 *                      others or is a symbolic link; the disk is full or fails (os_error)
 * After each of them the record is there as it was; after a save that failed at its very end, as it
 * should become.
 * TACIT_ERR_INVALID_ARGUMENT: not exactly one key; a relative path in a working directory that is gone
 *   (os_error).
 * TACIT_ERR_UNSUPPORTED: built without it, as for Windows, or without a crypto library.
 */
TACIT_API tacit_store *tacit_store_file(const tacit_store_file_options *options,
                                        tacit_error *error);

/* In memory, until the last reference is gone. NULL only without memory. */
TACIT_API tacit_store *tacit_store_memory(void);

/* ops is copied. After a failure release is not called. */
TACIT_API tacit_store *tacit_store_custom(const tacit_store_ops *ops, void *store_data,
                                          tacit_error *error);

/* For a person: where the record lies, and how it is protected. Valid as long as the store; the
 * default store has another answer once it has chosen. "" for NULL. Never waits. */
TACIT_API const char *tacit_store_describe(const tacit_store *store);

/* One reference more, or less; with the last one the store is freed. */
TACIT_API tacit_store *tacit_store_ref(tacit_store *store); /* answers store */
TACIT_API void tacit_store_unref(tacit_store *store);

#ifdef __cplusplus
}
#endif
#endif
