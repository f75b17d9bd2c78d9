/* Where the record of a sign-in survives the process. */
#ifndef TACIT_STORE_H
#define TACIT_STORE_H

#include <tacit/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Thread-safe and counted. Sessions keep it alive. */
typedef struct tacit_store tacit_store;

/*
 * A store of your own: three functions on records, which are bytes (JSON today) and hold secrets.
 *
 * They may block. They run on a thread of the library, one at a time per store, and may call
 * nothing of tacit but tacit_alloc(). A call that takes longer than the client's store_timeout_ms
 * is left behind: the sessions go on without it, and the store gets no other call until it returns.
 * Each answers TACIT_OK or TACIT_ERR_STORE_NOT_FOUND    there is no record under this key (load)
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
    /* *record: from malloc() or tacit_alloc(); the library wipes and frees it. */
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
} tacit_store_ops;
#define TACIT_STORE_OPS_INIT TACIT_INIT(tacit_store_ops)

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
 * $XDG_STATE_HOME/tacit or ~/.local/state/tacit, whatever the client's state_dir is.
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
 * The system's keyring: on Linux the Secret Service (GNOME Keyring, KWallet, KeePassXC) through
 * libsecret, which is loaded here. A keyring that is locked or not running shows as an error of
 * the load, not here; it is never unlocked with a prompt.
 * TACIT_ERR_STORE_UNAVAILABLE: libsecret is not installed.
 * TACIT_ERR_UNSUPPORTED: built without it.
 */
TACIT_API tacit_store *tacit_store_keyring(const char *application_id, tacit_error *error);

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
 * TACIT_ERR_UNSUPPORTED: built without a crypto library.
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

TACIT_API tacit_store *tacit_store_ref(tacit_store *store); /* answers store */
TACIT_API void tacit_store_unref(tacit_store *store);

#ifdef __cplusplus
}
#endif
#endif
