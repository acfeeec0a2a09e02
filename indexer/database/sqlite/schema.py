"""The tables of library.sqlite, one migration per schema version; a list that only grows.

`PRAGMA user_version` counts the migrations a library has had, so an old library is brought up to date on opening and
a newer one is refused. Photos, files and embeddings are tables of their own: one content may be held by several files
and has one embedding under each model. Ids of photos and embeddings are never used twice (AUTOINCREMENT), because the
write-once generations name them.

`photos.pixel_sha256` is the hash of the small decoded picture, which stays where another program has only written
metadata into the file; null in what an older version has indexed. `replacements` has, of a photo whose file holds
another content now, where that was, and the photo there with which it was compared and found to be another picture.
`roots.drive` identifies the file system that the folder was found on; `other_drive` says that another one is there
now. `files.linked` marks a file that is another one of the library under a second name.

`files.folder`, `name_key` and `search_text` are what files are sorted by and found in, made of the path; `taken_us` is
the moment of the taking by the camera's clock, else the file's time by the computer's, in microseconds since 1970.
`captures` has a row for each photo whose EXIF was read, also where that says nothing.
"""

APPLICATION_ID = 0x4C4F4F4B  # "LOOK": tells our database from anybody else's

MIGRATIONS = (
    """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE roots (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        labelled INTEGER NOT NULL CHECK (labelled IN (0, 1)),
        online INTEGER NOT NULL CHECK (online IN (0, 1))
    );
    CREATE TABLE photos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
        width INTEGER,
        height INTEGER
    );
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        root INTEGER NOT NULL REFERENCES roots ON DELETE CASCADE,
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('present', 'missing', 'failed')),
        photo INTEGER REFERENCES photos,
        label TEXT,
        reason TEXT,
        UNIQUE (root, path),
        CHECK (state != 'failed' OR reason IS NOT NULL),
        CHECK (state != 'present' OR photo IS NOT NULL)
    );
    CREATE INDEX files_by_photo ON files (photo, state);
    CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        dim INTEGER NOT NULL
    );
    CREATE TABLE embeddings (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
        vector BLOB NOT NULL,
        precision TEXT NOT NULL,
        UNIQUE (photo, model)
    );
    CREATE TABLE failures (
        photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
        reason TEXT NOT NULL,
        needs TEXT,
        PRIMARY KEY (photo, model)
    ) WITHOUT ROWID;
    CREATE TABLE labels (photo INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE, label TEXT NOT NULL);
    CREATE TABLE decisions (
        photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        other INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        decision TEXT NOT NULL,
        PRIMARY KEY (photo, other),
        CHECK (photo < other)
    ) WITHOUT ROWID;
    CREATE TABLE generations (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
        built_upto INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        manifest_sha256 TEXT
    );
    """,
    """
    CREATE TABLE searches (name TEXT PRIMARY KEY, query TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE photos ADD COLUMN pixel_sha256 BLOB;
    CREATE INDEX photos_by_pixels ON photos (pixel_sha256) WHERE pixel_sha256 IS NOT NULL;
    ALTER TABLE roots ADD COLUMN drive TEXT;
    ALTER TABLE roots ADD COLUMN other_drive INTEGER NOT NULL DEFAULT 0 CHECK (other_drive IN (0, 1));
    ALTER TABLE files ADD COLUMN linked INTEGER NOT NULL DEFAULT 0 CHECK (linked IN (0, 1));
    CREATE TABLE replacements (
        photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
        root INTEGER NOT NULL REFERENCES roots ON DELETE CASCADE,
        path BLOB NOT NULL,
        compared INTEGER,
        PRIMARY KEY (photo, root, path)
    ) WITHOUT ROWID;
    UPDATE labels SET label = normalise_label(label) WHERE label != normalise_label(label);
    UPDATE files SET label = normalise_label(label) WHERE label != normalise_label(label);
    """,
    """
    ALTER TABLE files ADD COLUMN excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1));
    ALTER TABLE roots ADD COLUMN passed_over TEXT;
    CREATE TABLE exclusions (
        root INTEGER NOT NULL REFERENCES roots ON DELETE CASCADE,
        pattern TEXT NOT NULL,
        PRIMARY KEY (root, pattern)
    ) WITHOUT ROWID;
    """,
    # Strictness and the check change no stored byte, so the text of the tables is replaced instead of copying gigabytes
    # (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
    """
    CREATE TABLE checksums (
        seq INTEGER PRIMARY KEY REFERENCES embeddings ON DELETE CASCADE,
        crc32 INTEGER NOT NULL CHECK (crc32 BETWEEN 0 AND 4294967295)
    );
    INSERT INTO checksums SELECT seq, compute_crc32(vector) FROM embeddings;
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'vector BLOB NOT NULL',
        'vector BLOB NOT NULL CHECK (length(vector) > 0 AND length(vector) % 2 = 0)') WHERE name = 'embeddings';
    UPDATE sqlite_schema SET sql = replace(sql, 'dim INTEGER NOT NULL',
        'dim INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 65536)') WHERE name = 'models';
    UPDATE sqlite_schema SET sql = sql || CASE WHEN sql LIKE '% WITHOUT ROWID' THEN ', STRICT' ELSE ' STRICT' END
        WHERE type = 'table' AND name NOT LIKE 'sqlite%';
    PRAGMA writable_schema = RESET
    """,
    """
    CREATE TABLE captures (
        photo INTEGER PRIMARY KEY REFERENCES photos ON DELETE CASCADE,
        taken_us INTEGER,
        offset_minutes INTEGER,
        make TEXT NOT NULL,
        model TEXT NOT NULL,
        lens TEXT NOT NULL,
        exposure_seconds REAL,
        f_number REAL,
        iso INTEGER,
        focal_length_mm REAL,
        latitude REAL,
        longitude REAL
    ) STRICT;
    ALTER TABLE files ADD COLUMN folder BLOB;
    ALTER TABLE files ADD COLUMN name_key TEXT;
    ALTER TABLE files ADD COLUMN search_text TEXT;
    ALTER TABLE files ADD COLUMN taken_us INTEGER;
    UPDATE files SET folder = get_stored_folder(path), name_key = make_name_key(path),
        search_text = make_search_text(path), taken_us = convert_file_time(mtime_ns);
    CREATE INDEX files_by_folder ON files (root, folder, name_key, photo) WHERE state = 'present';
    CREATE INDEX files_by_name ON files (name_key, photo) WHERE state = 'present';
    CREATE INDEX files_by_taken ON files (taken_us, photo) WHERE state = 'present';
    CREATE INDEX files_by_text ON files (search_text, photo) WHERE state = 'present';
    CREATE INDEX files_by_label ON files (label, photo) WHERE state = 'present' AND label IS NOT NULL;
    CREATE INDEX labels_by_label ON labels (label);
    CREATE INDEX photos_by_area ON photos (width * height)
    """,
    # What a filter by name and date asks for is in one index.
    """
    DROP INDEX files_by_text;
    CREATE INDEX files_by_text ON files (search_text, photo, taken_us, label) WHERE state = 'present'
    """,
)
