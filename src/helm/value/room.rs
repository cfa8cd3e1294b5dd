//! How much room Go makes in a slice that is appended to; `slice` reaches into it.
//!
//! After `growslice` and `roundupsize` of Go's runtime, and the sizes in its `sizeclasses.go`: Go 1.26 on 64 bits.

/// Up to so many items a slice doubles.
const DOUBLES_UP_TO: usize = 256;

/// The sizes in bytes that Go's memory comes in; larger pieces come in pages.
const SIZES: [usize; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728,
    10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672,
    32768,
];

/// The bytes of a page.
const PAGE: usize = 8192;

/// In front of larger pieces that hold pointers lies a header, both in bytes.
const HEADER: usize = 8;
const LARGEST_WITHOUT_HEADER: usize = 512;

/// The items of a slice, as the memory sees them.
#[derive(Clone, Copy)]
pub(super) struct Item {
    /// In bytes.
    pub(super) size: usize,
    pub(super) has_pointers: bool,
}

/// The room of a slice of `length` items, made with room for some and appended to by `step`.
pub(super) fn room_for(length: usize, room: usize, step: usize, item: Item) -> usize {
    let mut room = room;
    while room < length {
        room = grown(room, room + step, item);
    }
    room
}

fn grown(room: usize, wanted: usize, item: Item) -> usize {
    let mut new = room;
    if wanted > 2 * room {
        new = wanted;
    } else if room < DOUBLES_UP_TO {
        new = 2 * room;
    } else {
        while new < wanted {
            new += (new + 3 * DOUBLES_UP_TO) / 4;
        }
    }
    let bytes = new * item.size;
    let has_header = item.has_pointers && bytes > LARGEST_WITHOUT_HEADER;
    let header = if has_header { HEADER } else { 0 };
    let fitting = SIZES.iter().find(|one| **one >= bytes + header);
    let fitting = fitting.map_or(bytes.div_ceil(PAGE) * PAGE, |fitting| fitting - header);
    fitting / item.size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_grows_as_in_go() {
        // Each of these is what `cap` said of such a slice.
        let text = Item {
            size: 16,
            has_pointers: true,
        };
        let int = Item {
            size: 8,
            has_pointers: false,
        };
        let one_by_one = [
            (3, 4, 4),
            (5, 8, 8),
            (17, 32, 32),
            (33, 71, 64),
            (65, 71, 128),
            (129, 143, 256),
            (257, 303, 512),
            (513, 591, 848),
            (1000, 1023, 1280),
            (3000, 3584, 3408),
            (5000, 5120, 5120),
        ];
        for (length, texts, ints) in one_by_one {
            let found = (room_for(length, 0, 1, text), room_for(length, 0, 1, int));
            assert_eq!(found, (texts, ints), "{length}");
        }
        let at_once = [
            (3, 1, 6),
            (7, 1, 14),
            (17, 1, 35),
            (40, 1, 87),
            (300, 1, 591),
            (1, 4, 5),
            (1, 40, 43),
            (1, 700, 767),
        ];
        for (first, more, room) in at_once {
            assert_eq!(room_for(first + more, first, more, text), room, "{first}");
        }
        assert_eq!(room_for(41, 10, 1, text), 43);
    }
}
