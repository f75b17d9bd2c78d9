/* Of a Mac's system headers, what tacit uses: written for check_syntax.sh, not Apple's. */
#undef assert
#undef static_assert
#define static_assert _Static_assert
void __assert_rtn(const char *, const char *, int, const char *) __attribute__((noreturn));
#ifdef NDEBUG
#define assert(e) ((void)0)
#else
#define assert(e) ((e) ? (void)0 : __assert_rtn(__func__, __FILE__, __LINE__, #e))
#endif
