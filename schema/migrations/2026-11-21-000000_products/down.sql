DROP TABLE product_changes;
DROP TABLE products;
