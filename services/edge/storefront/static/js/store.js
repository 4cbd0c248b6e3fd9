// What a tab remembers for itself. A browser that blocks cookies blocks this as well, by an error: then
// nothing is remembered, and the page goes on.

const quietly = (work) => {
  try {
    return work();
  } catch {
    return null;
  }
};

export const remember = (name, value) => quietly(() => sessionStorage.setItem(name, value));
export const recall = (name) => quietly(() => sessionStorage.getItem(name));
export const drop = (name) => quietly(() => sessionStorage.removeItem(name));
export const dropAll = () => quietly(() => sessionStorage.clear());
